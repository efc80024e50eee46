"""Weights from a hub: fetched at a worker's start, and told of in what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from consumer.core.failures import ExitCode
from consumer.models.catalog import KNOWN
from contracts.transcript import Transcript
from tests import speech
from tests.e2e.conftest import Reference
from tests.e2e.fleet import Deployment
from tests.engines import located
from tests.stack.hub import Repository, StandIn, stand_in_hub

OWN: Final = "owner/tiny-own"
SMALL: Final = "Systran/faster-whisper-small"


@pytest.fixture
def hub() -> Iterator[StandIn]:
    """A hub with weights that work, under a name of their own, and some that only look so."""
    folder = located("tiny.en").path
    working = Repository({name: (folder / name).read_bytes() for name in KNOWN["tiny.en"].sha256})
    with stand_in_hub({OWN: working, SMALL: Repository()}) as found:
        yield found


async def test_a_worker_fetches_its_models_and_names_their_revision(
    deployment: Deployment, hub: StandIn, reference: Reference, tmp_path: Path
) -> None:
    await deployment.start_worker(
        HF_ENDPOINT=hub.url, HF_TOKEN="", STENO_MODELS__DIR=str(tmp_path / "cache"), STENO_ENGINE__MODEL=OWN,
        STENO_MODELS__PRELOAD="small",
    )  # fmt: skip
    assert (tmp_path / "cache" / "small" / "steno.json").exists()
    uri = await deployment.upload(speech.SHORT.path)
    await deployment.publish({"job_id": "call-1", "input": {"uri": uri}, "options": {"temperature": [0.0]}})
    await deployment.outcomes(1)
    transcript = Transcript.model_validate_json((await deployment.files("call-1"))["transcript.json"])
    assert transcript.text == reference(speech.SHORT.path)
    model = transcript.provenance.model
    assert (model.name, model.revision) == (OWN, hub.repositories[OWN].commit)
    assert model.sha256 == KNOWN["tiny.en"].sha256["model.bin"]


async def test_a_worker_whose_weights_are_nowhere_says_so_and_ends(
    deployment: Deployment, hub: StandIn, tmp_path: Path
) -> None:
    worker = deployment.launch_worker(
        HF_ENDPOINT=hub.url, HF_TOKEN="", STENO_MODELS__DIR=str(tmp_path), STENO_ENGINE__MODEL="medium"
    )
    assert await worker.ended() == ExitCode.MODEL_UNAVAILABLE
    last = worker.log_path.read_text().splitlines()[-1]
    assert last.startswith("steno: no weights for model 'medium'")
    assert "the hub knows no Systran/faster-whisper-medium" in last
