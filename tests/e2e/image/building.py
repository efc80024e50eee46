"""The image of this tree: built once for a run, or the one that is named in the environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.stack.engine import obtain
from tests.stack.keeper import labels
from tests.stack.service import MissingServiceError

GIVEN: Final = "STENO_TEST_IMAGE"
NETWORK: Final = "STENO_TEST_BUILD_NETWORK"
"""The build's network. By default the host's: what reaches a package index from here reaches it from there."""
_BASE: Final = "PYTHON_IMAGE"
_PASSED_ON: Final = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
_ROOT: Final = Path(__file__).parents[3]
_BUILD_S: Final = 1200
_TAIL_LINES: Final = 40
_LAST_WITH_ITS_OWN_BUILDKIT: Final = 22
"""Clients up to this major version have BuildKit within, later ones as a plugin."""


def built_image(tag: str, *arguments: str) -> str:
    """The image's tag; what was built goes with the run, the layers stay in the build's cache.

    Args:
        tag: what to call it.
        arguments: more for `docker build`, such as a target.

    Raises:
        MissingServiceError: no client here can build, or there is no base image.
    """
    if (given := os.environ.get(GIVEN)) and not arguments:
        obtain(given)
        return given
    obtain(base_image())
    command = [
        builder(), "build", f"--network={os.environ.get(NETWORK) or 'host'}", f"--tag={tag}",
        f"--build-arg=BASE={base_image()}", *(f"--build-arg={name}" for name in _PASSED_ON if name in os.environ),
        *(f"--label={name}={text}" for name, text in labels().items()), *arguments, ".",
    ]  # fmt: skip
    built = subprocess.run(
        command, cwd=_ROOT, env={**os.environ, "DOCKER_BUILDKIT": "1"}, timeout=_BUILD_S, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if built.returncode:
        tail = "\n".join(built.stdout.splitlines()[-_TAIL_LINES:])
        pytest.fail(f"{' '.join(command)}\n{tail}", pytrace=False)
    return tag


def base_image() -> str:
    """What the Dockerfile builds on, or what is named in its place, as for docker-compose.yml."""
    if given := os.environ.get(_BASE):
        return given
    found = re.search(r"^ARG BASE=(\S+)", (_ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert found, "the Dockerfile names its base"
    return found[1]


def builder() -> str:
    """A command line that builds with BuildKit, the first on the path.

    Raises:
        MissingServiceError: there is none.
    """
    for folder in os.get_exec_path():
        if (client := shutil.which("docker", path=folder)) and _has_buildkit(client):
            return client
    raise MissingServiceError("no docker command here builds with BuildKit (install docker's command line and buildx)")


def _has_buildkit(client: str) -> bool:
    if subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return True
    version = subprocess.run([client, "--version"], capture_output=True, check=False, text=True).stdout
    found = re.search(r"version (\d+)\.", version)
    return found is not None and int(found[1]) <= _LAST_WITH_ITS_OWN_BUILDKIT
