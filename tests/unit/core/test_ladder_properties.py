"""The ladder with hops read back from its topics: any order of failures, clocks and rebalances."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.core.deadletters import DeadLetterOffice, dead_letter
from consumer.core.failures import JobError, PermanentError, TransientError
from consumer.core.hops import Hop, attempt_of, first_place, hop_record
from consumer.core.ladder import Cancel, Ladder, wait_ms
from consumer.core.records import Record
from contracts.errors import ErrorCode
from tests.make import NOW, make_record

OFFICE = DeadLetterOffice("requests-dlt", "workers", "gpu-3")
FOREIGN = (("own", b"1"), ("own", b"2"))
TRANSIENT = st.sampled_from([ErrorCode.INPUT_NOT_FOUND, ErrorCode.ENGINE_CRASHED, ErrorCode.INTERNAL])


class OneRequest(RuleBasedStateMachine):
    """One request through as many failures as it meets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.record: Record | None = make_record(headers=FOREIGN)
        self.due: datetime | None = None
        self.published = NOW
        self.seen_s = 0.0
        self.attempts = 0
        self.offset = 0
        self.end: str | None = None

    @initialize(delays=st.lists(st.integers(1, 3_600_000), max_size=4), deadline_s=st.none() | st.floats(0, 20_000))
    def begin(self, delays: list[int], deadline_s: float | None) -> None:
        self.ladder = Ladder("requests", tuple(delays))
        self.deadline = None if deadline_s is None else NOW + timedelta(seconds=deadline_s)

    @rule(seconds=st.floats(0, 5000))
    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seen_s += seconds

    @precondition(lambda self: self.due is not None)
    @rule()
    def rebalance(self) -> None:
        """Another member sees the record for the first time."""
        self.seen_s = 0.0

    @precondition(lambda self: self.record is not None)
    @rule(behind_s=st.sampled_from([0, 0, 0, 30, 86_400]), code=TRANSIENT | st.just(ErrorCode.MEDIA_CORRUPT))
    def deliver(self, behind_s: int, code: ErrorCode) -> None:
        """Delivers and fails what is due by the clock of its worker, which may be behind."""
        assert self.record is not None
        if self.due is not None:
            delay_ms = self.ladder.topics[self.record.topic]
            clock_ms = (self.now - timedelta(seconds=behind_s)).timestamp() * 1000
            left_ms = wait_ms(self.record, delay_ms, now_ms=clock_ms, seen_for_ms=self.seen_s * 1000)
            assert left_ms <= delay_ms
            if left_ms > 0:
                return
            assert self.now + timedelta.resolution >= self.due
        self.attempts += 1
        assert attempt_of(self.record) == self.attempts
        self._fail(PermanentError(code, "no") if code is ErrorCode.MEDIA_CORRUPT else TransientError(code, "no"))

    def _fail(self, error: JobError) -> None:
        assert self.record is not None
        now = self.now.astimezone(UTC)
        step = self.ladder.after(error, attempt=attempt_of(self.record), deadline=self.deadline, now=now)
        if isinstance(step, Hop):
            assert self.deadline is None or step.not_before < self.deadline
            sent = hop_record(OFFICE.sender, self.record, error, step, now=now)
            self.offset += 1
            timestamp_ms = int(now.timestamp() * 1000)
            self.record = replace(
                make_record(sent.value, key=sent.key, headers=sent.headers, offset=self.offset),
                topic=step.topic, timestamp_ms=timestamp_ms,
            )  # fmt: skip
            self.due, self.seen_s = now + timedelta(milliseconds=self.ladder.topics[step.topic]), 0.0
        else:
            self._end(error, "cancelled" if isinstance(step, Cancel) else "set aside")

    def _end(self, error: JobError, end: str) -> None:
        assert self.record is not None
        letter = dead_letter(OFFICE, self.record, error, attempt=self.attempts, now=self.now)
        assert (letter.key, letter.value, letter.headers[: len(FOREIGN)]) == (b"call-4711", b"{}", FOREIGN)
        assert dict(letter.headers)["x-original-topic"] == b"requests"
        assert dict(letter.headers)["x-steno-error-code"] == error.code.encode()
        self.record, self.due, self.end = None, None, end
        if end == "set aside" and isinstance(error, TransientError):
            assert self.attempts == len(self.ladder.delays_ms) + 1

    @invariant()
    def attempts_are_bounded_and_the_origin_stays(self) -> None:
        if hasattr(self, "ladder"):
            assert self.attempts <= len(self.ladder.delays_ms) + 1
        if self.record is not None:
            assert first_place(self.record) == "requests/3/42"


TestOneRequest = OneRequest.TestCase
