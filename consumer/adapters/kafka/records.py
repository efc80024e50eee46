r"""Record batches in which no header's name stops the reader.

aiokafka decodes header names as UTF-8 while it fetches, and one that is none ends the fetch: everything behind it in
the partition would wait for ever, the rest of its own batch included, because a batch is read from its start again.
Producers in other languages send any bytes there. So such a name is read with its odd bytes escaped (`\xff-name`);
key, value and the other headers are as they were sent.
"""

from __future__ import annotations

import traceback
from typing import Any, Final, Protocol

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

_HEADERS_SINCE_MAGIC: Final = 2


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's own batch in Python, apart from how one record is read."""

    _pos: int

    def _read_msg(self) -> _DefaultRecordPy:
        cursor = _Cursor(self._buffer, self._pos)
        length = cursor.number()
        start = cursor.position
        cursor.number()  # attributes, of which there are none
        timestamp_delta, offset_delta = cursor.number(), cursor.number()
        key, value = cursor.blob(), cursor.blob()
        headers = [(_name(cursor.blob()), cursor.blob()) for _ in range(cursor.number())]
        if cursor.position - start != length:
            raise CorruptRecordException(f"a record of {length} bytes ends after {cursor.position - start}")
        self._pos = cursor.position
        is_append_time = self.timestamp_type == self.LOG_APPEND_TIME
        timestamp = self.max_timestamp if is_append_time else self.first_timestamp + timestamp_delta
        return _DefaultRecordPy(self.base_offset + offset_delta, timestamp, self.timestamp_type, key, value, headers)


class Batches(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    """What a fetch brought of one partition."""

    def next_batch(self) -> Any:  # one of aiokafka's two kinds
        """The next batch; None behind the last."""
        found = self._next_slice
        batch = super().next_batch()
        return _Batch(found) if batch is not None and batch.magic >= _HEADERS_SINCE_MAGIC else batch


def read_any_header() -> None:
    """Has every consumer of this process read batches this way; aiokafka has no switch for it."""
    fetcher.MemoryRecords = Batches


def place_of(error: BaseException) -> str | None:
    """Topic, partition and offset of the batch at which reading failed, as text; None when it failed elsewhere.

    aiokafka's errors do not say it; what it was reading stands in the frames of the traceback.
    """
    places = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        reader = frame.f_locals.get("self")
        if isinstance(reader, fetcher.PartitionRecords):
            places.append(f"{reader._tp.topic}/{reader._tp.partition}/{reader.next_fetch_offset}")  # noqa: SLF001
    return places[-1] if places else None


class _Buffer(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, part: slice) -> bytes: ...


class _Cursor:
    """Reads the parts of a record one after the other."""

    def __init__(self, buffer: _Buffer, position: int) -> None:
        self._buffer = buffer
        self.position = position

    def number(self) -> int:
        number, self.position = decode_varint(self._buffer, self.position)
        return int(number)

    def blob(self) -> bytes | None:
        size = self.number()
        if size < 0:
            return None
        start, self.position = self.position, self.position + size
        if self.position > len(self._buffer):
            raise CorruptRecordException(f"a record's part of {size} bytes is cut short")
        return bytes(self._buffer[start : self.position])


def _name(found: bytes | None) -> str:
    if found is None:
        raise CorruptRecordException("a header without a name")
    return found.decode("utf-8", "backslashreplace")
