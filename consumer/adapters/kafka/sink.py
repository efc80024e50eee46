"""Records to Kafka: each publish returns confirmed, or fails within a deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumer.adapters.kafka.closing import close_producer
from consumer.adapters.kafka.errors import REFUSED_RECORDS, outage, start_failure
from consumer.ports import OutboundRecord, RecordRefusedError
from contracts.broker import OPEN, BrokerSecurity
from contracts.broker.knock import explained
from contracts.broker.link import link_options

_MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
_REQUEST_MS: Final = 10_000
_START_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """Where to write and how long to try."""

    bootstrap_servers: str
    security: BrokerSecurity = OPEN
    client_id: str = "steno"
    publish_timeout_s: float = 30.0
    """From the call to the confirmation; aiokafka itself would try for ever."""


class KafkaSink:
    """Implements `consumer.ports.Sink` with one idempotent aiokafka producer at a time.

    A producer that failed or did not answer in time is retired: its sequence numbers may be beyond repair, and what
    it still holds must not pile up. The next publish builds a new one.
    """

    def __init__(self, config: SinkConfig) -> None:
        """Does nothing yet; open it as a context manager."""
        self._config = config
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            FatalError: the broker does not answer or refuses us.
        """
        try:
            await self._connected()
        except (KafkaError, OSError, TimeoutError) as exc:
            raise start_failure(exc, self._config.bootstrap_servers) from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flushes and closes; bounded in time."""
        if self._producer:
            self._retire(self._producer)
        await asyncio.gather(*self._retiring, return_exceptions=True)

    async def publish(self, record: OutboundRecord) -> None:
        """Returns once all in-sync replicas have the record.

        Raises:
            OutageError: `BROKER_UNAVAILABLE`; the record may or may not have been written.
            RecordRefusedError: it will never be written.
        """
        producer = None
        try:
            async with asyncio.timeout(self._config.publish_timeout_s):
                producer = await self._connected()
                # aiokafka accepts no record without both; such a one is kept with an empty key.
                key = b"" if record.key is None and record.value is None else record.key
                confirmed = await producer.send(record.topic, value=record.value, key=key, headers=list(record.headers))
                # Cancelling the future would not take the record back; the deadline is ours alone.
                await asyncio.shield(confirmed)
        except REFUSED_RECORDS as exc:
            raise RecordRefusedError(f"{record.topic}: {exc}") from exc
        except (KafkaError, OSError, TimeoutError) as exc:
            self._retire(producer)
            raise outage(exc, record.topic) from exc

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                try:
                    self._producer = await _started(self._config)
                except (KafkaError, OSError, TimeoutError) as exc:
                    raise await explained(exc, self._config.bootstrap_servers, self._config.security) from exc
            return self._producer

    def _retire(self, producer: AIOKafkaProducer | None) -> None:
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        task = asyncio.create_task(close_producer(producer))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


async def _started(config: SinkConfig) -> AIOKafkaProducer:
    producer = _producer(config)
    try:
        async with asyncio.timeout(_START_S):
            await producer.start()
    except BaseException:
        await close_producer(producer)
        raise
    return producer


def _producer(config: SinkConfig) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=config.bootstrap_servers,
        client_id=config.client_id,
        acks="all",
        enable_idempotence=True,
        max_request_size=_MAX_REQUEST_BYTES,
        request_timeout_ms=_REQUEST_MS,
        metadata_max_age_ms=30_000,
        # Not compressed: records of some hundred bytes go out one at a time, and no reader needs a codec.
        compression_type=None,
        **link_options(config.security),
    )
