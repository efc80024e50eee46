"""From deliveries to settled outcomes, with every port a fake."""

from __future__ import annotations

import asyncio
from typing import IO

import pytest

from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.ports import Recording, RecordRefusedError
from consumer.scratch import Scratch, ScratchConfig
from consumer.stopwatch import STAGES
from contracts.errors import ErrorCode
from contracts.events import Kind, OutcomeEvent, parse_event
from contracts.requests import Channels
from tests.fakes.engine import FakeDecoder
from tests.waiting import until
from tests.worker_bench import AWAY, MEDIA, Bench


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
        await bench.fills_its_slots()
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
        assert [code for code, is_paused in bench.worker.pauses.items() if is_paused] == [ErrorCode.SCRATCH_FULL]
        for _ in range(100):  # until the other one stands in line
            await asyncio.sleep(0)
        decoder.gate.set()
        await bench.settled(2)
        assert bench.worker.waits_for_scratch is None
        assert not any(bench.worker.pauses.values())

    assert bench.ends == {"broken": Kind.FAILED, "good": Kind.COMPLETED}


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


async def test_lost_progress_is_no_failure(bench: Bench) -> None:
    bench.sink.fail_next(AWAY)
    bench.request("a")
    async with bench.running():
        await bench.settled(1)

    assert bench.ends == {"a": Kind.COMPLETED}


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
