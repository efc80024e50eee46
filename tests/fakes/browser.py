"""Topics in memory, for who reads them at places."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from consumer.adapters.kafka.browser import TopicExtent
from consumer.core.records import Record


class FakeBrowser:
    """Holds records; offsets may have holes, as on a broker."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = sorted(records, key=lambda record: (record.partition, record.offset))

    def extent(self, topic: str, topic_id: str | None = "id-1") -> TopicExtent:
        partitions: dict[int, range] = {}
        for record in self._records:
            if record.topic == topic:
                first = partitions.get(record.partition, range(record.offset, 0)).start
                partitions[record.partition] = range(first, record.offset + 1)
        return TopicExtent(topic, topic_id, partitions)

    async def first_since(self, topic: str, partition: int, timestamp_ms: int) -> int | None:
        found = (each.offset for each in self._of(topic, partition) if each.timestamp_ms >= timestamp_ms)
        return next(found, None)

    async def records(self, topic: str, partition: int, span: range) -> AsyncGenerator[Record, None]:
        for record in self._of(topic, partition):
            if record.offset in span:
                yield record

    def _of(self, topic: str, partition: int) -> list[Record]:
        return [each for each in self._records if (each.topic, each.partition) == (topic, partition)]
