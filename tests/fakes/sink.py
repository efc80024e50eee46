"""The sink port in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from consumer.core.failures import OutageError
from consumer.ports import OutboundRecord, RecordRefusedError
from contracts.errors import ErrorCode
from tests.fakes.broker import FakeBroker


class FakeSink:
    """Publishes to a `FakeBroker`; fails when told to. Passes the conformance suite of the port."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self.failures: list[Exception] = []
        """Each ends one publish, first come first."""
        self._refusals: Counter[str] = Counter()
        self.published: list[OutboundRecord] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def fail_next(self, *errors: Exception) -> None:
        """Ends the next publishes, each with one of the errors."""
        self.failures.extend(errors)

    def refuse_next(self, topic: str, count: int) -> None:
        """Refuses the next so many records of a topic."""
        self._refusals[topic] += count

    async def publish(self, record: OutboundRecord) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if not self._broker.has_topic(record.topic):
            raise OutageError(ErrorCode.BROKER_UNAVAILABLE, f"{record.topic} is missing")
        if self._refusals[record.topic]:
            self._refusals[record.topic] -= 1
            raise RecordRefusedError(f"{record.topic}: too large")
        if _size(record) > self._broker.max_record_bytes:
            raise RecordRefusedError(f"{record.topic}: too large")
        key = b"" if record.key is None and record.value is None else record.key
        self._broker.append(record.topic, key, record.value, record.headers)
        self.published.append(record)


def _size(record: OutboundRecord) -> int:
    headers: Sequence[bytes | None] = [value for _, value in record.headers]
    return sum(len(part) for part in (record.key, record.value, *headers) if part is not None)
