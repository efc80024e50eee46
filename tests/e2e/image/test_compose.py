"""The local stack as it is shipped: from nothing to a transcript, down and up again, without weights, and broken."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.image.building import built_image
from tests.e2e.image.composed import Stack, composed
from tests.e2e.image.conftest import wanted
from tests.speech import ENGLISH, SHORT
from tests.stack.containers import LOCALSTACK_IMAGE, REDPANDA_IMAGE
from tests.stack.engine import obtain
from tests.waiting import until

Record = Callable[[str, object], None]
WEIGHTS = "/models/base/model.bin"
FAKE_WORKERS = 3
FAKE_JOBS = 12
WELL = {"redpanda": "healthy", "localstack": "healthy"}


@dataclass(frozen=True)
class Running:
    """The stack with a worker and real weights, begun with nothing but the images."""

    stack: Stack
    begun_s: float


@pytest.fixture(scope="module")
def images(image: str) -> Mapping[str, str]:
    """The images, by the variables that name them; and the sample of notifications is on."""
    for other in (REDPANDA_IMAGE, LOCALSTACK_IMAGE):
        wanted(lambda name=other: obtain(name))  # type: ignore[misc]  # mypy infers no lambda with a default
    weights = wanted(lambda: built_image(f"steno:test-models-{os.getpid()}", "--target=models"))
    named = {"REDPANDA_IMAGE": REDPANDA_IMAGE, "LOCALSTACK_IMAGE": LOCALSTACK_IMAGE}
    return {**named, "STENO_IMAGE": image, "STENO_MODELS_IMAGE": weights, "STENO_NOTIFICATIONS": "inbox/"}


@pytest.fixture(scope="module")
def running(images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as exits:
        folder = tmp_path_factory.mktemp("compose")
        stack = wanted(lambda: exits.enter_context(composed(f"steno-test-{os.getpid()}", folder, images)))
        begun_s = time.monotonic()
        stack.compose("up", "--detach", "--no-build")
        yield Running(stack, begun_s)


def test_from_nothing_a_file_of_the_host_becomes_text(running: Running, record_property: Record) -> None:
    text = running.stack.on_the_host("submit", str(ENGLISH.path), "--wait")
    record_property("seconds_to_the_first_transcript", time.monotonic() - running.begun_s)

    assert text.startswith("Printing, in the only sense")
    found = running.stack.services()
    assert {name: found[name]["Health"] for name in WELL} == WELL
    assert {name: found[name]["ExitCode"] for name in ("topics", "models")} == {"topics": 0, "models": 0}


def test_a_container_submits_what_is_mounted_into_it(running: Running) -> None:
    mount = f"--volume={SHORT.path}:/talk.flac:ro"
    text = running.stack.compose("run", "--rm", "--no-deps", "-T", mount, "worker", "submit", "/talk.flac", "--wait")

    assert "surpassed" in text


async def test_an_upload_becomes_a_job_by_the_sample_relay(running: Running) -> None:
    stack = running.stack
    script = "import boto3, sys; boto3.client('s3').upload_file(sys.argv[1], 'media', sys.argv[2])"
    with stack.beside("localstack/relay.py"):
        for key in ("elsewhere/a.flac", "inbox/a talk+1.flac"):
            stack.python("-c", script, str(SHORT.path), key)

        def inputs() -> list[str]:
            return [json.loads(line)["input"] for line in stack.on_the_host("jobs", "--json").splitlines()]

        await until(lambda: "s3://media/inbox/a talk+1.flac" in inputs(), "the job", within_s=60, every_s=0.5)
    assert "s3://media/elsewhere/a.flac" not in inputs()


def test_topics_and_weights_outlive_down_and_the_fake_profile_needs_no_weights(
    running: Running, tmp_path: Path
) -> None:
    stack = running.stack
    written = stack.compose("exec", "-T", "worker", "stat", "-c", "%y", WEIGHTS)
    stack.compose("down")
    stack.compose("--profile=fake", "up", "--detach", "--no-build", f"--scale=worker-fake={FAKE_WORKERS}")

    assert set(stack.services()) == {"redpanda", "localstack", "topics", "worker-fake"}
    assert {line.split()[-1] for line in stack.compose("logs", "--no-log-prefix", "topics").splitlines()} == {"exists"}
    kept = stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint=stat", "worker", "-c", "%y", WEIGHTS)
    assert kept == written
    for number in range(FAKE_JOBS):
        shutil.copy(SHORT.path, tmp_path / f"{number}.flac")
    lines = stack.on_the_host("submit", str(tmp_path), "--wait", "--json").splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["transcribe"] * FAKE_JOBS


async def test_a_hook_that_fails_keeps_the_store_from_being_healthy(images: Mapping[str, str], tmp_path: Path) -> None:
    changes = {"services": {"localstack": {"environment": {"STENO_BUCKETS": "media Not_A_Bucket"}}}}
    with ExitStack() as exits:
        project = f"steno-test-hook-{os.getpid()}"
        stack = wanted(lambda: exits.enter_context(composed(project, tmp_path, images, changes)))
        stack.compose("up", "--detach", "localstack")

        def said() -> str:
            check = stack.attempt("exec", "-T", "localstack", "python3", "/etc/localstack/health.py")
            assert check.returncode == 1
            return check.stdout

        await until(lambda: "failed: buckets.py" in said(), "the hook's failure", within_s=60, every_s=0.5)
        assert "Not_A_Bucket" in stack.compose("logs", "localstack")
        assert stack.services()["localstack"]["Health"] != "healthy"
