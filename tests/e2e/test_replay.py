"""A dead letter whose cause was mended: the desk sends it again, and a worker does the job anew."""

from __future__ import annotations

from tests import speech
from tests.e2e.desk import dlq
from tests.e2e.fleet import Deployment


async def test_a_mended_input_ends_with_a_replay_and_what_fails_again_is_counted(deployment: Deployment) -> None:
    notes = deployment.folder / "notes.mp3"
    notes.write_bytes(b"these are notes, not music\n" * 99)
    uri = await deployment.upload(notes)
    await deployment.start_worker(STENO_ENGINE__KIND="fake")
    await deployment.publish({"job_id": "notes", "input": {"uri": uri}}, b"no request at all")
    await deployment.outcomes(2)
    listed = {letter["code"]: letter["job_id"] for letter in await dlq(deployment, "ls")}
    assert listed == {"MEDIA_UNSUPPORTED": "notes", "REQUEST_INVALID": "raw"}

    await deployment.upload(speech.SHORT.path, notes.name)
    (report,) = await dlq(deployment, "replay", "--yes")
    assert report["to"] == {deployment.requests: 2}
    events = await deployment.outcomes(4)
    assert {"-/notes/failed/0", "-/notes/completed/1"} <= {event.id for event in events}
    (left,) = await dlq(deployment, "ls")
    assert (left["code"], left["replays"]) == ("REQUEST_INVALID", 1)
