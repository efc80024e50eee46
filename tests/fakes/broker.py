"""A broker in memory: topics of partitions, groups with members and committed offsets. Nothing in it takes time."""

from __future__ import annotations

import itertools
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from consumer.core.offsets import NONE_COMMITTED, Partition
from consumer.ports import Header, Record

_ROUND_ROBIN: Final = itertools.count()


class Member(Protocol):
    """What a group tells its members."""

    def on_assigned(self, committed: dict[Partition, int]) -> None:
        """Takes over a whole assignment, each partition with its committed offset."""
        ...

    def on_records(self) -> None:
        """There may be something to receive."""
        ...


@dataclass
class Group:
    """Who shares the work, and how far it is done."""

    members: list[Member] = field(default_factory=list)
    committed: dict[Partition, int] = field(default_factory=dict)


class FakeBroker:
    """Keeps everything that was published."""

    def __init__(self, *, max_record_bytes: int = 1024 * 1024) -> None:
        self.max_record_bytes = max_record_bytes
        self.groups: dict[str, Group] = defaultdict(Group)
        self._logs: dict[str, list[list[Record]]] = {}

    def make_topic(self, name: str, *, partitions: int) -> None:
        self._logs[name] = [[] for _ in range(partitions)]

    def has_topic(self, name: str) -> bool:
        return name in self._logs

    def records(self, topic: str) -> list[Record]:
        """Everything published to a topic, partition by partition."""
        return [record for log in self._logs[topic] for record in log]

    def read(self, partition: Partition, offset: int) -> Record | None:
        """The record at that offset; None at the end."""
        log = self._logs[partition[0]][partition[1]]
        return log[offset] if offset < len(log) else None

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, headers: tuple[Header, ...] = (),
        *, partition: int | None = None,
    ) -> Record:  # fmt: skip
        """Writes a record; records of one key share a partition."""
        logs = self._logs[topic]
        choice = zlib.crc32(key) if key is not None else next(_ROUND_ROBIN)
        number = choice % len(logs) if partition is None else partition
        record = Record(topic, number, len(logs[number]), 0, key, value, headers)
        logs[number].append(record)
        for member in [member for group in self.groups.values() for member in group.members]:
            member.on_records()
        return record

    def join(self, group_id: str, topics: Sequence[str], member: Member) -> None:
        self.groups[group_id].members.append(member)
        self._rebalance(group_id, topics)

    def leave(self, group_id: str, topics: Sequence[str], member: Member) -> None:
        self.groups[group_id].members.remove(member)
        self._rebalance(group_id, topics)

    def commit(self, group_id: str, offsets: dict[Partition, int]) -> None:
        self.groups[group_id].committed.update(offsets)

    def _rebalance(self, group_id: str, topics: Sequence[str]) -> None:
        """Deals every partition out anew, round robin in the order of joining."""
        group = self.groups[group_id]
        for place, member in enumerate(group.members):
            dealt = [
                (topic, number)
                for topic in topics
                for number in range(place, len(self._logs[topic]), len(group.members))
            ]
            member.on_assigned({each: group.committed.get(each, NONE_COMMITTED) for each in dealt})
