"""What is in the image, what is not, and what it says of itself; that what is left is enough."""

from __future__ import annotations

import inspect
import json
from datetime import datetime
from types import ModuleType
from typing import Any, Final

import pytest
from docker import DockerClient
from docker.models.images import Image

from contracts.version import __version__
from tests import speech
from tests.e2e.image import imports, inspection
from tests.e2e.image.building import base_image
from tests.e2e.image.contained import Run
from tests.e2e.image.test_confinement import CONFINED

BUDGET_BYTES: Final = 600_000_000
OFFLINE: Final[dict[str, Any]] = {"network": None, "network_mode": "none"}
PLACES: Final = ("/models", "/scratch")
OF_EVERY_BASE: Final = ("/tmp", "/var/tmp", "/run/lock")
ITS_VARIABLES: Final = {
    "HF_HOME", "HF_HUB_DISABLE_TELEMETRY", "HOME", "ORT_DISABLE_TELEMETRY", "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED", "STENO_MODELS__DIR", "STENO_SCRATCH__DIR", "TMPDIR",
}  # fmt: skip

Findings = dict[str, Any]


@pytest.fixture
def made(engine: DockerClient, image: str) -> Image:
    return engine.images.get(image)


@pytest.fixture
def base(engine: DockerClient) -> Image:
    return engine.images.get(base_image())


async def told(run: Run, module: ModuleType, **options: Any) -> Findings:
    """What a program of the tests prints in a container of the image."""
    container = run("-c", inspect.getsource(module), entrypoint=["python"], **{**OFFLINE, **options})
    assert await container.ended() == 0, container.log
    findings: Findings = json.loads(container.log)
    return findings


def variables(image: Image) -> set[str]:
    return {entry.partition("=")[0] for entry in image.attrs["Config"]["Env"]}


def test_the_image_stays_within_its_budget_beyond_its_base(made: Image, base: Image) -> None:
    layers, of_base = (image.attrs["RootFS"]["Layers"] for image in (made, base))

    assert layers[: len(of_base)] == of_base
    assert made.attrs["Size"] - base.attrs["Size"] < BUDGET_BYTES


def test_the_image_says_what_it_is(made: Image) -> None:
    prefix = "org.opencontainers.image."
    labels = {name.removeprefix(prefix): text for name, text in made.labels.items() if name.startswith(prefix)}

    assert labels["version"] == __version__
    assert labels["title"] == "steno"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["description"]
    assert labels["revision"]
    assert datetime.fromisoformat(labels["created"]).tzinfo is not None
    assert labels["base.name"] == base_image()


def test_the_image_starts_the_program_itself_as_a_user_without_rights(made: Image) -> None:
    config = made.attrs["Config"]

    assert config["User"] == "1000:1000"
    assert (config["Entrypoint"], config["Cmd"]) == (["steno"], ["worker"])
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "steno", "health"]
    assert not config.get("Volumes")


def test_the_image_brings_no_variable_but_its_own(made: Image, base: Image) -> None:
    assert variables(made) - variables(base) == ITS_VARIABLES - variables(base)


@pytest.mark.parametrize("user", ["1000:1000", "12345", "12345:12345"])
async def test_nothing_of_the_image_can_be_changed_by_who_runs_in_it(run: Run, user: str) -> None:
    findings = await told(run, inspection, user=user)

    assert set(findings["writable"]) - set(OF_EVERY_BASE) == set(PLACES)


async def test_the_build_leaves_no_privileged_program_no_cache_and_no_weights(run: Run, base: Image) -> None:
    here, there = [await told(run, inspection, user="0", image=image) for image in (None, base.id)]

    assert set(here["privileged"]) <= set(there["privileged"])
    assert set(here["cached"]) <= set(there["cached"])
    assert [path for path in here["large"] if path not in there["large"] and ".so" not in path] == []


async def test_nothing_in_the_image_builds_installs_or_gains_rights(run: Run) -> None:
    assert (await told(run, inspection))["programs"] == []


async def test_every_module_comes_compiled(run: Run) -> None:
    assert (await told(run, inspection, user="0"))["uncompiled"] == []


async def test_what_was_cut_is_missed_by_no_module_and_no_source_of_credentials(run: Run) -> None:
    findings = await told(run, imports, **CONFINED)

    assert findings["faults"] == []
    assert {"env", "assume-role-with-web-identity", "sso", "container-role", "iam-role"} <= set(findings["providers"])
    assert "https://oidc.eu-central-1.amazonaws.com" in findings["endpoints"]
    assert "https://s3.cn-north-1.amazonaws.com.cn" in findings["endpoints"]


async def test_speech_becomes_text_without_network_rights_or_a_name_for_the_user(run: Run, weights: str) -> None:
    clip = speech.SHORT.path
    volumes = {weights: {"bind": "/models", "mode": "ro"}, str(clip.parent): {"bind": "/in", "mode": "ro"}}

    container = run(
        "transcribe", f"/in/{clip.name}", "--vad", environment={"STENO_ENGINE__MODEL": "tiny.en"}, volumes=volumes,
        **OFFLINE, **CONFINED,
    )  # fmt: skip

    assert await container.ended() == 0, container.log
    said = container.container.logs(stderr=False).decode()
    assert said.strip().strip(".") == "has never been surpassed"


async def test_a_doctor_finds_everything_of_the_machine_in_order(run: Run, weights: str) -> None:
    volumes = {weights: {"bind": "/models", "mode": "rw"}}

    container = run("doctor", environment={"STENO_ENGINE__MODEL": "tiny.en"}, volumes=volumes, **OFFLINE, **CONFINED)

    await container.ended()
    for what in ("settings", "model tiny.en", "device", "decoder", "sandbox", "scratch", "memory"):
        assert f"ok       {what}:" in container.log, container.log
