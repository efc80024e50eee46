"""From deliveries to settled outcomes, and the drain at the end, with every port a fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from consumer.attempts import Attempts
from consumer.core.admission import AdmissionRules
from consumer.core.deadletters import DeadLetterOffice
from consumer.core.failures import ExitCode, FatalError, OutageError, PermanentError, TransientError
from consumer.core.intake.readings import IntakeRules, Reason
from consumer.handler import Handler, HandlerConfig
from consumer.patience import Patience
from consumer.ports import Recording, RecordRefusedError
from consumer.progress import ProgressReporter
from consumer.scratch import Scratch, ScratchConfig
from consumer.settlement import Settlement
from consumer.stopwatch import STAGES
from consumer.worker import Shutdown, Worker, WorkerConfig
from contracts.errors import ErrorCode
from contracts.events import Event, Kind, OutcomeEvent, parse_event
from contracts.requests import Channels
from tests.fakes.broker import FakeBroker
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.fakes.meter import FakeMeter
from tests.fakes.sink import FakeSink
from tests.fakes.source import FakeSource
from tests.fakes.store import FakeStore
from tests.make import EMITTER, NOW, OUTPUT
from tests.waiting import until

AWAY = OutageError(ErrorCode.BROKER_UNAVAILABLE, "away")
MEDIA = "s3://media/a.mp3"


@dataclass
class Bench:
    """A worker with fakes around it."""

    folder: Path
    broker: FakeBroker = field(default_factory=FakeBroker)
    store: FakeStore = field(default_factory=FakeStore)
    engine: FakeEngine = field(default_factory=FakeEngine)
    meter: FakeMeter = field(default_factory=FakeMeter)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    pauses: list[float] = field(default_factory=list)
    shutdown: Shutdown = field(default_factory=Shutdown)
    grace_s: float = 10.0
    intake: IntakeRules = field(default_factory=lambda: IntakeRules(own_prefixes=(OUTPUT,)))

    def __post_init__(self) -> None:
        for topic in ("requests", "results", "progress", "dlt"):
            self.broker.make_topic(topic, partitions=1)
        self.sink = FakeSink(self.broker)
        self.source = FakeSource(self.broker, "requests")
        self.store.put(MEDIA, b"hello")
        self.scratch = Scratch(ScratchConfig(self.folder))

    def request(self, job_id: str, **fields: Any) -> None:
        document = {"job_id": job_id, "input": {"uri": MEDIA}, **fields}
        self.broker.append("requests", job_id.encode(), json.dumps(document).encode())

    @property
    def outcomes(self) -> list[Event]:
        return [parse_event(record.headers, record.value) for record in self.broker.records("results")]

    @property
    def ends(self) -> dict[str | None, Kind]:
        data = [event.data for event in self.outcomes]
        return {each.job_id: each.outcome for each in data if isinstance(each, OutcomeEvent)}

    @property
    def committed(self) -> int:
        return self.broker.groups["group"].committed.get(("requests", 0), 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """A worker at work; drained at the end, unless the test has done so."""
        async with self.source, self.sink:
            task = asyncio.create_task(self._worker().run(self.shutdown))
            yield task
            self.shutdown.request()
            await asyncio.wait((task,))

    def _worker(self) -> Worker:
        rules = AdmissionRules((), (OUTPUT,), f"{OUTPUT}.steno/", max_bytes=1000)
        config = HandlerConfig(worker="gpu-3", rules=rules)
        patience = Patience(sleep=self._sleep, jitter=lambda: 0.0)
        office = DeadLetterOffice("dlt", "group", "gpu-3")
        progress = ProgressReporter(self.sink, EMITTER, now=lambda: NOW, is_enabled=True)
        self.settlement = Settlement(self.sink, patience, emitter=EMITTER, office=office, now=lambda: NOW)
        self.attempts = Attempts(
            Handler(self.store, self.decoder, self.engine, self.scratch, config=config, now=lambda: NOW),
            self.settlement,
            progress,
            patience,
            meter=self.meter,
            default_output=OUTPUT,
        )
        limits = WorkerConfig(slots=2, grace_s=self.grace_s, intake=self.intake)
        self.worker = Worker(self.source, self.attempts, progress, scratch=self.scratch, config=limits)
        return self.worker

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def settled(self, count: int) -> None:
        """Lets the loop turn until so many offsets are committed."""
        await until(lambda: self.committed >= count, "the commit", every_s=0)


def code_of(event: Event) -> str | None:
    """The error code of an outcome event."""
    assert isinstance(event.data, OutcomeEvent)
    return event.data.error.code if event.data.error else None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_request_ends_in_its_outcome_and_a_commit(bench: Bench) -> None:
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert [parse_event(each.headers, each.value).type for each in bench.broker.records("progress")] == [
        Kind.STARTED.type, Kind.PROGRESS.type
    ]  # fmt: skip


async def test_jobs_of_one_partition_run_side_by_side_and_the_commit_waits_for_the_first(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("long")
    async with bench.running():
        await bench.engine.entered.wait()
        bench.broker.append("requests", b"bad", b"not json")
        await until(lambda: bool(bench.outcomes), "an outcome", every_s=0)
        assert (list(bench.ends), bench.committed) == ([None], 0)
        bench.engine.gate.set()
        await bench.settled(2)

    assert bench.ends == {None: Kind.FAILED, "long": Kind.COMPLETED}


async def test_no_more_jobs_are_taken_than_there_are_slots(bench: Bench) -> None:
    bench.engine.gate.clear()
    for number in range(5):
        bench.request(f"job-{number}")
    async with bench.running():
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert bench.engine.running == 2
        bench.engine.gate.set()
        await bench.settled(5)

    assert len(bench.ends) == 5


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (PermanentError(ErrorCode.MEDIA_CORRUPT, "broken"), False),
        (TransientError(ErrorCode.ENGINE_CRASHED, "crashed"), True),
    ],
)
async def test_a_job_that_fails_leaves_a_dead_letter_and_an_outcome(
    bench: Bench, *, error: PermanentError | TransientError, retryable: bool
) -> None:
    bench.engine.errors = [error]
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    (letter,) = bench.broker.records("dlt")
    assert letter.value == bench.broker.records("requests")[0].value
    assert dict(letter.headers)["x-steno-error-code"] == error.code.encode()
    (event,) = bench.outcomes
    assert isinstance(event.data, OutcomeEvent)
    assert event.data.error is not None
    assert (event.data.error.code, event.data.error.retryable) == (error.code, retryable)


async def test_an_error_nobody_foresaw_is_internal_and_harms_no_other_job(bench: Bench) -> None:
    bench.engine.errors = [ZeroDivisionError("secret detail")]
    bench.request("a")
    bench.request("b")
    async with bench.running():
        await bench.settled(2)

    (letter,) = bench.broker.records("dlt")
    headers = dict(letter.headers)
    assert headers["x-steno-error-code"] == b"INTERNAL"
    assert b"ZeroDivisionError" in (headers["x-steno-error-message"] or b"")
    assert b"secret" not in (headers["x-steno-error-message"] or b"")
    assert sorted(bench.ends.values()) == [Kind.COMPLETED, Kind.FAILED]


async def test_an_outage_keeps_the_job_and_waits_longer_each_time(bench: Bench) -> None:
    away = OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")
    bench.store.fail_next("fetch", away, away, away)
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.pauses == [0.5, 1.0, 2.0]
    assert bench.broker.records("dlt") == []


async def test_while_the_broker_is_away_the_delivery_stays_open(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.sink.fail_next(AWAY, AWAY)
    async with bench.running():
        await bench.settled(1)

    assert [record.topic for record in bench.sink.published] == ["dlt", "results"]
    assert len(bench.pauses) == 2


async def test_a_dead_letter_that_the_broker_refuses_goes_out_cut_short(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"x" * 1000)
    bench.sink.fail_next(RecordRefusedError("too large"))
    async with bench.running():
        await bench.settled(1)

    (letter,) = bench.broker.records("dlt")
    assert letter.value is None
    assert dict(letter.headers)["x-steno-truncated"] == b"1000"
    assert bench.ends == {None: Kind.FAILED}


async def test_an_outcome_that_the_broker_refuses_goes_out_cut_short(bench: Bench) -> None:
    bench.request("a", metadata={"note": "x" * 1000})
    bench.broker.max_record_bytes = 1500
    async with bench.running():
        await bench.settled(1)

    (record,) = bench.broker.records("results")
    assert "x-steno-truncated" in dict(record.headers)
    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.broker.records("dlt") == []


async def test_a_refusal_of_bytes_that_hold_no_job_goes_out_cut_short_too(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.sink.refuse_next("results", 1)
    async with bench.running():
        await bench.settled(1)

    (record,) = bench.broker.records("results")
    assert "x-steno-truncated" in dict(record.headers)


async def test_a_topic_that_refuses_what_was_cut_short_is_waited_for(bench: Bench) -> None:
    bench.sink.refuse_next("results", 4)
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.pauses == [0.5, 1.0, 2.0]
    assert bench.ends == {"a": Kind.COMPLETED}


class HeldDecoder(FakeDecoder):
    """Holds the first media until told, and then finds them broken."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        if not self.gate.is_set():
            await self.gate.wait()
            raise PermanentError(ErrorCode.MEDIA_CORRUPT, "broken")
        return await super().decode(media, channels)


async def test_whoever_waits_for_room_goes_on_when_the_job_that_had_it_fails(bench: Bench) -> None:
    bench.scratch = Scratch(ScratchConfig(bench.folder, max_bytes=1))
    bench.decoder = decoder = HeldDecoder()
    for job_id in ("broken", "good"):
        bench.request(job_id, input={"uri": MEDIA, "size_bytes": 5})
    async with bench.running():
        await until(lambda: bench.worker.waits_for_scratch is not None, "no room", every_s=0)
        assert "5 bytes" in (bench.worker.waits_for_scratch or "")
        for _ in range(100):  # until the other one stands in line
            await asyncio.sleep(0)
        decoder.gate.set()
        await bench.settled(2)
        assert bench.worker.waits_for_scratch is None

    assert bench.ends == {"broken": Kind.FAILED, "good": Kind.COMPLETED}


async def test_a_drain_finishes_what_is_in_flight_and_takes_nothing_new(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.shutdown.request()
        for _ in range(10):
            await asyncio.sleep(0)
        bench.request("late")
        bench.engine.gate.set()
        await task

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.committed == 1


@pytest.mark.parametrize("grace_s", [0.0, 10.0])
async def test_what_is_not_done_in_time_or_in_a_hurry_is_given_back(bench: Bench, grace_s: float) -> None:
    bench.grace_s = grace_s
    bench.engine.gate.clear()
    bench.request("a")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.shutdown.request()
        await asyncio.sleep(0)
        bench.shutdown.request()
        await task

    assert (bench.outcomes, bench.committed, bench.engine.running) == ([], 0, 0)


async def test_a_drain_gives_back_at_once_what_has_not_begun(bench: Bench) -> None:
    bench.store.fail_next("fetch", *[OutageError(ErrorCode.STORAGE_UNAVAILABLE, "away")] * 100_000)
    bench.request("a")
    bench.request("b")
    async with bench.running() as task:
        await until(lambda: len(bench.pauses) > 3, "it waits for the store", every_s=0)
        bench.shutdown.request()
        async with asyncio.timeout(1):  # far less than the grace time
            await task

    assert (bench.outcomes, bench.committed) == ([], 0)


async def test_a_drain_finishes_what_has_begun_and_gives_back_what_waits_beside_it(bench: Bench) -> None:
    bench.engine.gate.clear()
    bench.request("begun")
    async with bench.running() as task:
        await bench.engine.entered.wait()
        bench.engine.turn.clear()
        bench.request("waits")
        await until(lambda: len(bench.broker.records("progress")) == 2, "it is fetched", every_s=0)
        bench.shutdown.request()
        for _ in range(20):
            await asyncio.sleep(0)
        bench.engine.gate.set()
        await task

    assert bench.ends == {"begun": Kind.COMPLETED}
    assert bench.committed == 1


async def test_a_failure_that_waits_for_the_broker_is_told_before_the_drain_ends(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.request("absent", input={"uri": "s3://media/absent"})
    bench.sink.fail_next(*[AWAY] * 50)
    async with bench.running() as task:
        await until(lambda: len(bench.pauses) > 3, "it waits for the broker", every_s=0)
        bench.shutdown.request()
        await task

    assert bench.ends == {None: Kind.FAILED, "absent": Kind.FAILED}
    assert bench.committed == 2


async def test_nothing_is_taken_while_the_scratch_disk_is_full(bench: Bench) -> None:
    bench.scratch = Scratch(ScratchConfig(bench.folder, max_bytes=10))
    bench.request("a")
    async with bench.running():
        with bench.scratch.file(expected_bytes=11):
            for _ in range(100):
                await asyncio.sleep(0)
            bench.request("b")
            for _ in range(100):
                await asyncio.sleep(0)
            assert len(bench.ends) <= 1  # a receive that was under way already may end
        await bench.settled(2)

    assert bench.ends == dict.fromkeys("ab", Kind.COMPLETED)


async def test_a_source_that_cannot_go_on_ends_the_worker_after_the_drain(bench: Bench) -> None:
    bench.request("a")
    async with bench.running() as task:
        await bench.settled(1)
        bench.source.fail(FatalError(ExitCode.REFUSED, "not allowed any more"))
        with pytest.raises(FatalError, match="not allowed"):
            await task

    assert bench.ends == {"a": Kind.COMPLETED}


async def test_a_delivery_that_cannot_be_settled_ends_the_worker_and_stays_open(bench: Bench) -> None:
    bench.broker.append("requests", b"bad", b"not json")
    bench.sink.fail_next(ZeroDivisionError("a defect"))
    async with bench.running() as task:
        with pytest.raises(FatalError, match="defect") as caught:
            await task

    assert caught.value.exit_code is ExitCode.INTERNAL
    assert bench.committed == 0


async def test_lost_progress_is_no_failure(bench: Bench) -> None:
    bench.sink.fail_next(AWAY)
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.ends == {"a": Kind.COMPLETED}


def _entry(key: str, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {"eventName": event, "s3": {"bucket": {"name": "media"}, "object": {"key": key}}}


async def test_each_record_of_a_notification_ends_alone_and_the_offset_settles_after_all_of_them(bench: Bench) -> None:
    bench.engine.gate.clear()
    records = [_entry("a.mp3"), _entry("gone.mp3"), {}, _entry("a.mp3", "ObjectRemoved:Delete")]
    bench.broker.append("requests", b"", json.dumps({"Records": records}).encode())
    async with bench.running():
        await until(lambda: len(bench.outcomes) == 2, "the two failures", every_s=0)
        assert (bench.committed, bench.engine.running) == (0, 1)
        bench.engine.gate.set()
        await bench.settled(1)

    assert {event.subject: code_of(event) for event in bench.outcomes} == {
        MEDIA: None,
        "s3://media/gone.mp3": ErrorCode.INPUT_NOT_FOUND,
        None: ErrorCode.REQUEST_INVALID,
    }
    letters = [json.loads(letter.value or b"") for letter in bench.broker.records("dlt")]
    assert {"Records": [{}]} in letters
    assert [letter["input"] for letter in letters if "input" in letter] == [{"uri": "s3://media/gone.mp3"}]
    assert bench.worker.ignored == {Reason.OTHER_EVENT: 1}


async def test_records_of_a_notification_take_no_more_slots_than_there_are(bench: Bench) -> None:
    bench.engine.gate.clear()
    for number in range(7):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    for numbers in ((0, 1, 2, 3), (4, 5, 6)):
        entries = [_entry(f"{number}.mp3") for number in numbers]
        bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running():
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert bench.engine.running == 2
        bench.engine.gate.set()
        await bench.settled(2)

    assert len(bench.ends) == 7


async def test_a_notification_of_nothing_for_us_frees_its_slot_and_settles(bench: Bench) -> None:
    values = [{"Event": "s3:TestEvent"}, {"Records": []}, {"Records": [_entry("x", "ObjectRemoved:Delete")] * 3}]
    own = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "transcripts"}, "object": {"key": "a/x"}}}
    for value in [*values, own]:
        bench.broker.append("requests", b"", json.dumps(value).encode())
    bench.request("a")
    async with bench.running():
        await bench.settled(5)

    assert bench.ends == {"a": Kind.COMPLETED}
    assert bench.worker.ignored == {Reason.OTHER_EVENT: 4, Reason.NO_RECORDS: 1, Reason.OWN_OBJECT: 1}
    assert bench.broker.records("dlt") == []


async def test_a_notification_that_is_not_done_in_time_is_given_back_whole(bench: Bench) -> None:
    bench.grace_s = 0.0
    bench.engine.gate.clear()
    entries = [_entry(f"{number}.mp3") for number in range(5)]
    for number in range(5):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running() as task:
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        bench.shutdown.request()
        await task

    assert (bench.outcomes, bench.committed, bench.engine.running) == ([], 0, 0)


async def test_a_notification_that_is_half_done_when_a_drain_begins_is_given_back(bench: Bench) -> None:
    bench.engine.gate.clear()
    for number in range(5):
        bench.store.put(f"s3://media/{number}.mp3", b"hello")
    entries = [_entry(f"{number}.mp3") for number in range(5)]
    bench.broker.append("requests", b"", json.dumps({"Records": entries}).encode())
    async with bench.running() as task:
        await until(lambda: bench.engine.running == 2, "both slots", every_s=0)
        bench.shutdown.request()
        for _ in range(20):
            await asyncio.sleep(0)
        bench.engine.gate.set()
        await task

    assert (len(bench.ends), bench.committed, len(bench.engine.heard)) == (2, 0, 2)


async def test_a_repeated_notification_costs_no_second_transcription(bench: Bench) -> None:
    for _ in range(2):
        bench.broker.append("requests", b"", json.dumps({"Records": [_entry("a.mp3")]}).encode())
        async with bench.running() as task:
            await bench.settled(1)
            bench.shutdown.request()
            await task
        bench.shutdown = Shutdown()
        bench.source = FakeSource(bench.broker, "requests")

    assert len(bench.engine.heard) == 1
    assert len({event.id for event in bench.outcomes}) == 1


async def test_a_record_on_which_our_reading_breaks_is_set_aside(bench: Bench) -> None:
    bench.intake = IntakeRules(own_prefixes=("no place at all",))
    bench.broker.append("requests", b"", json.dumps(_entry("a.mp3")).encode())
    async with bench.running():
        await bench.settled(1)

    (letter,) = bench.broker.records("dlt")
    assert dict(letter.headers)["x-steno-error-code"] == b"INTERNAL"
    assert letter.value == bench.broker.records("requests")[0].value


async def test_each_end_is_counted_with_all_its_stages(bench: Bench) -> None:
    bench.request("a")
    async with bench.running():
        await bench.settled(1)
        bench.request("a")
        await bench.settled(2)
        bench.broker.append("requests", b"bad", b"not json")
        await bench.settled(3)

    first, second, faulty = bench.meter.ends
    assert (first.outcome, first.code, first.is_repeat) == (Kind.COMPLETED, None, False)
    assert first.stages.keys() == set(STAGES)
    assert (second.outcome, second.code, second.is_repeat) == (Kind.COMPLETED, None, True)
    assert (faulty.outcome, faulty.code) == (Kind.FAILED, ErrorCode.REQUEST_INVALID)
    assert bench.worker.received == 3
    assert bench.attempts.in_progress == 0
    assert bench.settlement.dead_letters == {ErrorCode.REQUEST_INVALID: 1}
