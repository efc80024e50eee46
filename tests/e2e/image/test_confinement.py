"""A worker with as few rights as a container can have: it works, its decoder is confined, its log is silent."""

from __future__ import annotations

import json
from typing import Any, Final

from tests import speech
from tests.e2e.conftest import Reference
from tests.e2e.image.contained import Run
from tests.e2e.image.site import FAKE, Site

CONFINED: Final[dict[str, Any]] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": "12345",
    "tmpfs": {"/scratch": ""},
}
MIB: Final = 1024**2
KILLED: Final = 256 * MIB
AT_ZERO: Final = {"temperature": [0.0]}


async def test_with_no_rights_at_all_it_transcribes_as_a_direct_call_does(
    site: Site, weights: str, reference: Reference
) -> None:
    worker = await site.start(volumes={weights: {"bind": "/models", "mode": "ro"}}, **CONFINED)
    uri = await site.deployment.upload(speech.ENGLISH.path)
    await site.deployment.publish({"job_id": "call-1", "input": {"uri": uri}, "options": AT_ZERO})
    await site.deployment.outcomes(1)
    text = json.loads((await site.deployment.files("call-1"))["transcript.json"])["text"]

    assert text == reference(speech.ENGLISH.path)
    assert worker.execute("id", "-u").text.strip() == "12345"
    # Nothing but JSON lines on either stream, and no word of what was said.
    assert [json.loads(line)["event"] for line in worker.log.splitlines()]
    assert len(text) > 20
    assert text[:20] not in worker.log


async def test_every_protection_of_the_decoder_holds_inside(run: Run) -> None:
    container = run("-m", "consumer.media.sandbox", entrypoint=["python"], **CONFINED)

    assert await container.ended() == 0
    protections = json.loads(container.log)
    assert protections.keys() >= {"landlock", "no_new_descriptors", "memory_limit"}
    assert [name for name, holds in protections.items() if not holds] == []


async def test_an_engine_that_the_memory_limit_kills_takes_neither_worker_nor_other_jobs_with_it(site: Site) -> None:
    worker = await site.start(
        changes={**FAKE, "STENO_RETRY__DELAYS_MS": "none"}, mem_limit=KILLED, memswap_limit=KILLED
    )
    first = worker.state["Pid"]
    await site.publish("greedy", fake=f"fake:leak={2 * KILLED}")
    await site.publish("modest")
    events = await site.deployment.outcomes(2)

    assert sorted(event.id for event in events) == ["-/greedy/failed/0", "-/modest/completed/0"]
    assert [line["reason"] for line in worker.events("engine_ended")] == ["the engine process was ended by SIGKILL"]
    assert (worker.state["Pid"], worker.restarts) == (first, 0)
