"""A fleet that changes while it works: `python -m tests.bench.fleet`.

Recordings of mixed formats go through workers of which one joins and one is told to leave midway. Every job must end
in a result set and an outcome, with the text of a direct faster-whisper call. Told: transcriptions begun, outcomes
that came twice, and who was in the group second by second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.events import Kind, parse_event
from tests import speech
from tests.bench.deploying import deployed_here
from tests.e2e.conftest import Reference, make_reference
from tests.e2e.fleet import Deployment, data_of
from tests.e2e.worker_process import WorkerProcess
from tests.waiting import until

_WITHIN_S: Final = 30.0
"""For one job, on top of the same for the fleet."""
_WORKERS: Final = 3
_FILES: Final = 6
_LOOK_S: Final = 1.0


@dataclass(frozen=True)
class Membership:
    """The group from some second on, until the next one."""

    at_s: float
    state: str
    members: list[str]


@dataclass
class Tally:
    """What came of the jobs."""

    jobs: int
    seconds: float = 0.0
    manifests: int = 0
    outcomes: int = 0
    """By distinct id."""
    repeated_outcomes: int = 0
    not_completed: list[str] = field(default_factory=list)
    other_texts: list[str] = field(default_factory=list)
    """Jobs whose text is not that of the direct call."""
    transcriptions: int = 0
    """Begun, by the events that tell so."""
    begun_again: dict[str, int] = field(default_factory=dict)
    jobs_by_worker: dict[str, int] = field(default_factory=dict)
    exit_code: int | None = None
    """Of the worker that left."""
    memberships: list[Membership] = field(default_factory=list)


async def run(deployment: Deployment, count: int, text_of: Reference) -> Tally:
    """Two workers begin; a third one joins after a quarter of the outcomes, the first leaves after half of them."""
    clips = {f"job-{number}": speech.CLIPS[number % len(speech.CLIPS)] for number in range(count)}
    uris = {clip.name: await deployment.upload(clip.path) for clip in set(clips.values())}
    tally = Tally(count)
    async with watching(deployment, tally.memberships):
        leaver, _ = await asyncio.gather(deployment.start_worker(), deployment.start_worker())
        started = time.monotonic()
        await deployment.publish(
            *(
                {"job_id": job_id, "input": {"uri": uris[clip.name]}, "options": {"temperature": [0.0]}}
                for job_id, clip in clips.items()
            )
        )
        await _change(deployment, leaver, count, tally.memberships)
        events = await deployment.outcomes(count, within_s=_WITHIN_S * (1 + count))
        tally.seconds = round(time.monotonic() - started, 1)
        tally.exit_code = await leaver.ended()
        await until(lambda: len(tally.memberships[-1].members) == _WORKERS - 1, "the group without it")
    ends = {event.id: data_of(event) for event in events}
    tally.outcomes, tally.repeated_outcomes = len(ends), len(events) - len(ends)
    tally.not_completed = [identity for identity, end in ends.items() if end.outcome is not Kind.COMPLETED]
    tally.jobs_by_worker = dict(Counter(str(end.worker) for end in ends.values()))
    begun = await transcriptions_begun(deployment)
    tally.transcriptions = begun.total()
    tally.begun_again = {job_id: times for job_id, times in begun.items() if times > 1}
    await _compare(deployment, clips, text_of, tally)
    return tally


async def transcriptions_begun(deployment: Deployment) -> Counter[str]:
    """How often each job was begun, by the events that tell so."""
    records = await deployment.read(f"{deployment.prefix}.progress", 0)
    events = [parse_event(record.headers, record.value) for record in records]
    return Counter(str(event.data.job_id) for event in events if event.type == Kind.STARTED.type)


async def _change(deployment: Deployment, leaver: WorkerProcess, count: int, seen: list[Membership]) -> None:
    await deployment.outcomes(max(count // 4, 1), within_s=_WITHIN_S * count)
    await deployment.start_worker()
    await until(lambda: len(seen[-1].members) == _WORKERS, "the whole group")
    await deployment.outcomes(count // 2, within_s=_WITHIN_S * count)
    leaver.signal(signal.SIGTERM)


async def _compare(deployment: Deployment, clips: dict[str, speech.Clip], text_of: Reference, tally: Tally) -> None:
    for job_id, clip in clips.items():
        files = await deployment.files(job_id)
        tally.manifests += "manifest.json" in files and len(files) == _FILES
        expected = await asyncio.to_thread(text_of, clip.path)
        if json.loads(files.get("transcript.json", b"{}")).get("text") != expected:
            tally.other_texts.append(job_id)


@asynccontextmanager
async def watching(deployment: Deployment, into: list[Membership]) -> AsyncIterator[None]:
    """Appends who is in the group, each time that somebody else is."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    await admin.start()
    watch = asyncio.create_task(_watch(admin, deployment.prefix, into))
    try:
        yield
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        await admin.close()


async def _watch(admin: AIOKafkaAdminClient, group: str, into: list[Membership]) -> None:
    """Asks every second and notes when the group is not what it was."""
    started = time.monotonic()
    while True:
        with contextlib.suppress(KafkaError):  # a broker's very first group has no coordinator for a moment
            state, members = await _describe(admin, group)
            if not into or (into[-1].state, into[-1].members) != (state, members):
                into.append(Membership(round(time.monotonic() - started, 1), state, members))
        await asyncio.sleep(_LOOK_S)


async def _describe(admin: AIOKafkaAdminClient, group: str) -> tuple[str, list[str]]:
    (response,) = await admin.describe_consumer_groups([group])
    (described,) = response.to_object()["groups"]
    return described["state"], sorted(member["client_id"] for member in described["members"])


async def _run_here(count: int) -> Tally:
    async with deployed_here("fleet") as deployment:
        return await run(deployment, count, make_reference())


def main(write: Callable[[str], object] = print) -> None:
    """Prints the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    arguments = parser.parse_args()
    write(json.dumps(asdict(asyncio.run(_run_here(arguments.jobs))), indent=1))


if __name__ == "__main__":
    main()
