"""What every sink promises, on the fake and on real Kafka."""

from __future__ import annotations

import asyncio

import pytest

from consumer.ports import Header, OutboundRecord, Record, RecordRefusedError
from tests.integration.beds import Bed
from tests.waiting import DEADLINE_S

_MIB = 1024 * 1024


async def published(bed: Bed, *records: OutboundRecord) -> list[Record]:
    """Publishes, and reads as many records back."""
    async with bed.sink() as sink:
        for record in records:
            await sink.publish(record)
    async with bed.source() as source, asyncio.timeout(DEADLINE_S):
        return [(await source.receive()).record for _ in records]


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"key", b"value"), (None, b"value"), (b"key", None), (b"", b""), (b"\x00\xff", b"\xff\x00")],
)
async def test_keys_and_values_arrive_as_they_are(bed: Bed, key: bytes | None, value: bytes | None) -> None:
    (found,) = await published(bed, OutboundRecord(bed.topic, key, value))
    assert (found.key, found.value) == (key, value)


async def test_headers_arrive_as_they_are(bed: Bed) -> None:
    headers: tuple[Header, ...] = (("a", b"1"), ("none", None), ("a", b"2"), ("ünï", b"\x00\xff"), ("empty", b""))
    (found,) = await published(bed, OutboundRecord(bed.topic, b"key", b"value", headers))
    assert found.headers == headers


async def test_a_record_with_neither_key_nor_value_gets_an_empty_key(bed: Bed) -> None:
    (found,) = await published(bed, OutboundRecord(bed.topic, None, None, (("a", b"1"),)))
    assert (found.key, found.value, found.headers) == (b"", None, (("a", b"1"),))


async def test_records_of_one_key_keep_their_order(bed: Bed) -> None:
    found = await published(bed, *(OutboundRecord(bed.topic, b"key", b"%d" % number) for number in range(10)))
    assert [record.value for record in found] == [b"%d" % number for number in range(10)]
    assert len({record.partition for record in found}) == 1


@pytest.mark.parametrize("size", [2 * _MIB, 17 * _MIB])
async def test_a_record_that_is_too_large_is_refused_and_harms_no_other(bed: Bed, size: int) -> None:
    async with bed.sink() as sink:
        with pytest.raises(RecordRefusedError, match=bed.topic):
            await sink.publish(OutboundRecord(bed.topic, b"key", bytes(size)))
        await sink.publish(OutboundRecord(bed.topic, b"key", b"small"))
    async with bed.source() as source, asyncio.timeout(DEADLINE_S):
        assert (await source.receive()).record.value == b"small"


async def test_many_publishes_at_once_all_arrive(bed: Bed) -> None:
    async with bed.sink() as sink:
        records = [OutboundRecord(bed.topic, b"%d" % number, b"value") for number in range(100)]
        await asyncio.gather(*map(sink.publish, records))
    async with bed.source() as source, asyncio.timeout(DEADLINE_S):
        found = {(await source.receive()).record.key for _ in records}
    assert found == {record.key for record in records}
