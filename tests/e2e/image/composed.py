"""The stack of `docker-compose.yml` under a name and on ports of its own, driven as a person drives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.image.building import builder
from tests.stack.keeper import labels
from tests.stack.service import MissingServiceError, free_ports

ROOT: Final = Path(__file__).parents[3]
FILE: Final = ROOT / "docker-compose.yml"
_STEP_S: Final = 150
_LOG_LINES: Final = 60
_OURS: Final = ("STENO_", "AWS_", "COMPOSE_")
_PROFILES: Final = ("cpu", "fake")


class ComposeError(AssertionError):
    """A command failed; the message has what it said and the ends of the containers' logs."""


@dataclass(frozen=True)
class Stack:
    """One compose project."""

    name: str
    labelled: Path
    """A second compose file, which gives everything the label of this run."""
    environment: Mapping[str, str]
    extra: Sequence[str] = field(default=())
    """More arguments for compose, such as a file that changes something."""

    def compose(self, *arguments: str) -> str:
        """Standard output of one `docker compose …`.

        Raises:
            ComposeError: it ended with an error.
        """
        done = self.attempt(*arguments)
        if done.returncode:
            logs = self.attempt("logs", f"--tail={_LOG_LINES}").stdout
            raise ComposeError(f"docker compose {' '.join(arguments)}\n{done.stdout}{done.stderr}\n{logs}")
        return done.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One `docker compose …`, however it ends."""
        command = [builder(), "compose", f"--file={FILE}", f"--file={self.labelled}", "--env-file=/dev/null"]
        return subprocess.run(
            [*command, *self.extra, *arguments], cwd=ROOT, env=dict(self.environment),
            timeout=_STEP_S, check=False, capture_output=True, text=True,
        )  # fmt: skip

    def services(self) -> dict[str, dict[str, Any]]:
        """Every container by its service, ended ones as well; of several the last."""
        lines = self.compose("ps", "--all", "--format=json").splitlines()
        return {found["Service"]: found for found in map(json.loads, lines)}

    def on_the_host(self, *arguments: str) -> str:
        """Standard output of steno on the host."""
        return self.python("-m", "consumer", *arguments)

    def python(self, *arguments: str) -> str:
        """Standard output of a Python program on the host."""
        done = subprocess.run(
            self._for_the_host(*arguments), cwd=ROOT, env=dict(self.environment),
            timeout=_STEP_S, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise ComposeError(f"python {' '.join(arguments)}\n{done.stderr}\n{self.attempt('logs').stdout}")
        return done.stdout

    @contextmanager
    def beside(self, *arguments: str) -> Iterator[None]:
        """A Python program on the host, which is ended at the end."""
        process = subprocess.Popen(self._for_the_host(*arguments), cwd=ROOT, env=dict(self.environment))
        try:
            yield
            assert process.poll() is None, "it ran to the end"
        finally:
            process.kill()
            process.wait()

    def _for_the_host(self, *arguments: str) -> list[str]:
        """The command line of a Python program that sees the variables that we ship for the host."""
        script = 'set -a; . localstack/host.env; set +a; exec "$@"'
        return ["bash", "-c", script, "-", sys.executable, *arguments]


@contextmanager
def composed(
    name: str, folder: Path, images: Mapping[str, str], changes: Mapping[str, Any] | None = None
) -> Iterator[Stack]:
    """A project that is gone at the end, volumes as well; nothing is started.

    Args:
        name: of the project.
        folder: for files of ours.
        images: variables of the compose file.
        changes: parts of a compose file that are laid over ours.

    Raises:
        MissingServiceError: docker's command line is not here, or has no compose.
    """
    if subprocess.run([builder(), "compose", "version"], capture_output=True, check=False).returncode:
        raise MissingServiceError("docker's command line here has no compose plugin")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    broker, store = free_ports(2)
    ports = {"REDPANDA_PORT": str(broker), "LOCALSTACK_PORT": str(store)}
    environment = {**kept, **images, **ports, "COMPOSE_PROJECT_NAME": name}
    more = [f"--file={_written(folder / 'changes.yml', changes)}"] if changes else []
    stack = Stack(name, _written(folder / "labels.yml", _labels()), environment, more)
    try:
        yield stack
    finally:
        chosen = [f"--profile={profile}" for profile in _PROFILES]
        stack.compose(*chosen, "down", "--volumes", "--timeout=5", "--remove-orphans")


def _labels() -> dict[str, Any]:
    file = yaml.safe_load(FILE.read_text("utf-8"))
    mine = {"labels": labels()}
    return {
        "services": dict.fromkeys(file["services"], mine),
        "networks": {"default": mine},
        "volumes": dict.fromkeys(file["volumes"], mine),
    }


def _written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML, without aliases for what is the same
    return path
