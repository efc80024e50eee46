"""The aiokafka consumer under the source, set up for long jobs: every default that bites is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from consumer.adapters.kafka.records import read_any_header
from consumer.ports import Record
from contracts.broker import OPEN, BrokerSecurity
from contracts.broker.link import link_options

_TIMESTAMP_TYPES: Final = {0: "CreateTime", 1: "LogAppendTime"}
"""Kafka's own words; records from before Kafka 0.10 have none."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Where to read and how to belong."""

    bootstrap_servers: str
    group_id: str
    topic: str
    """Of requests, which are read at once."""
    security: BrokerSecurity = OPEN
    client_id: str = "steno"
    delays_ms: Mapping[str, int] = field(default_factory=dict)
    """Retry topics, which are read beside it, each with the time that its records wait, in milliseconds."""
    max_buffered: int = 2
    """Records fetched ahead of `receive`; each one waits here instead of at an idle member."""
    session_timeout_ms: int = 12_000
    """A dead worker's jobs move on after this. Long enough for a stalled machine or a broker's fail-over,
    and within the 6 s to 30 min that brokers allow."""
    heartbeat_interval_ms: int = 3_000
    """At most; a short session has at least three beats."""
    rebalance_timeout_ms: int = 60_000
    """How long a rebalance waits for its slowest member; at least twice the session, so that the dead leave first."""
    max_poll_interval_ms: int = 300_000
    """aiokafka's own watchdog over our poll task, which comes round every second."""
    look_s: float = 5.0
    """How often the broker is asked for a sign of life, and our watchdog looks for one of the consumer."""

    @property
    def topics(self) -> tuple[str, ...]:
        """All that is read."""
        return (self.topic, *self.delays_ms)


def make_consumer(config: SourceConfig) -> AIOKafkaConsumer:
    """Connects to nothing yet and subscribes to nothing.

    Raises:
        UnusableFileError: a file of the link's security cannot be used any more.
    """
    read_any_header()
    return AIOKafkaConsumer(
        bootstrap_servers=config.bootstrap_servers,
        client_id=config.client_id,
        group_id=config.group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # Records of aborted transactions are no requests.
        isolation_level="read_committed",
        session_timeout_ms=config.session_timeout_ms,
        heartbeat_interval_ms=min(config.heartbeat_interval_ms, config.session_timeout_ms // 3),
        rebalance_timeout_ms=max(config.rebalance_timeout_ms, 2 * config.session_timeout_ms),
        max_poll_interval_ms=config.max_poll_interval_ms,
        # A moved leader or a new partition is noticed within this.
        metadata_max_age_ms=30_000,
        # A partition that was read to its end, or is resumed, waits for the fetch under way: keep that short.
        fetch_max_wait_ms=100,
        # What is prefetched is held for every partition; a record larger than this is delivered all the same.
        max_partition_fetch_bytes=256 * 1024,
        fetch_max_bytes=4 * 1024 * 1024,
        **link_options(config.security),
    )


def make_record(found: ConsumerRecord) -> Record:
    """The port's form of a record."""
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp_ms=found.timestamp,
        key=found.key,
        value=found.value,
        headers=tuple(found.headers),
        timestamp_type=_TIMESTAMP_TYPES.get(found.timestamp_type, "NoTimestampType"),
    )
