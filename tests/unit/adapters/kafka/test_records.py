"""Batches are read whatever a header is called, and where one cannot be read is told."""

from __future__ import annotations

import contextlib

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.kafka.errors import running_failure
from consumer.adapters.kafka.records import Batches
from consumer.core.failures import ExitCode

Headers = list[tuple[str, bytes | None]]
Parts = tuple[bytes | None, bytes | None, Headers]

PARTS = st.tuples(
    st.none() | st.binary(max_size=200),
    st.none() | st.binary(max_size=200),
    st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=20)), max_size=4),
)


def make_batch(*records: Parts, base_offset: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0,
        producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
    )  # fmt: skip
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, 1_700_000_000_000 + offset, key, value, headers)
    return base_offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def read(data: bytes, *, check_crcs: bool = True) -> list[Parts]:
    place = TopicPartition("requests", 3)
    found = PartitionRecords(place, Batches(data), [], 0, None, None, check_crcs, READ_COMMITTED)
    return [(record.key, record.value, list(record.headers)) for record in found]


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_what_was_sent_is_read(records: list[Parts]) -> None:
    assert read(make_batch(*records) + make_batch(*records, base_offset=len(records))) == records + records


@given(st.binary(max_size=20))
def test_any_header_name_is_read(name: bytes) -> None:
    stand_in = "n" * len(name)
    data = make_batch((b"k", b"v", [(stand_in, b"1")]), (None, b"next", []))
    data = data.replace(stand_in.encode() + b"\x021", name + b"\x021")
    expected = name.decode("utf-8", "backslashreplace")
    assert read(data, check_crcs=False) == [(b"k", b"v", [(expected, b"1")]), (None, b"next", [])]


@given(st.data())
def test_damage_is_corruption_or_not_seen(data: st.DataObject) -> None:
    sent: list[Parts] = [(b"key", b"value", [("name", b"1")]), (b"key", None, [])]
    batch = bytearray(make_batch(*sent))
    header_bytes = 61
    at = data.draw(st.integers(header_bytes, len(batch) - 1))
    batch[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(CorruptRecordException):
        assert len(read(bytes(batch), check_crcs=False)) <= len(sent)
    with pytest.raises(CorruptRecordException):
        read(bytes(batch))


def test_a_batch_that_cannot_be_read_is_named() -> None:
    batch = bytearray(make_batch((b"key", b"value", [])))
    batch[-1] ^= 1
    good = make_batch((b"key", b"value", []))
    with pytest.raises(CorruptRecordException) as caught:
        read(good + bytes(batch))
    failure = running_failure(caught.value)
    assert failure.exit_code is ExitCode.INTERNAL
    assert "requests/3/1 (topic/partition/offset)" in failure.message
