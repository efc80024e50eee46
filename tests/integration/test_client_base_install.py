"""The base install in an environment of its own: the client is there, the worker and what it needs are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.stack.environment import make_environment_of
from tests.stack.service import MissingServiceError

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = """
import importlib.util, pathlib, sys

import contracts.client
from contracts import Input, TranscriptionRequest
from contracts.client import ClientConfig, ClientError, SyncStenoClient

print([name for name in sys.modules if name.partition(".")[0] == "consumer"])
heavy = ("faster_whisper", "ctranslate2", "av", "numpy", "structlog", "huggingface_hub", "moto", "confluent_kafka")
print([name for name in heavy if importlib.util.find_spec(name)])
print(pathlib.Path(contracts.__file__).with_name("py.typed").exists())
with SyncStenoClient(ClientConfig(bootstrap_servers="127.0.0.1:1")) as client:
    try:
        client.submit(TranscriptionRequest(input=Input(uri="s3://media/a.mp3")))
    except ClientError as error:
        print("127.0.0.1:1" in str(error))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the wheel of this tree, no extras."""
    folder = tmp_path_factory.mktemp("base")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    try:
        return make_environment_of(wheel, folder / "environment", ROOT / "requirements.lock")
    except MissingServiceError as exc:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))


def test_the_client_needs_neither_worker_nor_engine(python: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [python, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout.splitlines(), ended.returncode) == (["[]", "[]", "True", "True"], 0), ended.stderr


def test_the_command_is_there_too(python: str, tmp_path: Path) -> None:
    steno = [str(Path(python).with_name("steno")), "submit", "--help"]
    ended = subprocess.run(steno, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--wait" in ended.stdout
