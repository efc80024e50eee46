"""What the Kafka adapters do when the broker is missing, goes away or says no."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from consumer.adapters.kafka import closing
from consumer.adapters.kafka import source as source_module
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.core.failures import ExitCode, FatalError, OutageError
from consumer.ports import OutboundRecord
from contracts.errors import ErrorCode
from tests.e2e.topic_reading import read_topic
from tests.processes import children_of
from tests.stack.broker import Broker
from tests.stack.clients import make_topic
from tests.stack.service import free_ports
from tests.waiting import DEADLINE_S, until


async def test_a_source_without_its_topic_does_not_start(kafka: str, topic_name: str) -> None:
    with pytest.raises(FatalError, match=topic_name) as caught:
        await KafkaSource(SourceConfig(kafka, "group", topic_name)).__aenter__()
    assert caught.value.exit_code is ExitCode.TOPICS_MISSING


async def test_a_source_without_a_broker_does_not_start() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(FatalError, match=address) as caught:
        await KafkaSource(SourceConfig(address, "group", "topic")).__aenter__()
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


async def test_a_session_timeout_that_the_broker_refuses_stops_the_start(kafka: str, topic: str) -> None:
    config = SourceConfig(kafka, topic, topic, session_timeout_ms=100, heartbeat_interval_ms=30)
    with pytest.raises(FatalError, match="set STENO_KAFKA__SESSION_TIMEOUT_MS") as caught:
        await KafkaSource(config).__aenter__()
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS


async def test_a_sink_without_a_broker_does_not_start() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(FatalError, match=address) as caught:
        await KafkaSink(SinkConfig(address)).__aenter__()
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


async def test_a_publish_that_is_not_confirmed_in_time_is_an_outage_that_ends(kafka: str, topic_name: str) -> None:
    record = OutboundRecord(topic_name, b"key", b"value")
    async with KafkaSink(SinkConfig(kafka, publish_timeout_s=1.0)) as sink:
        with pytest.raises(OutageError, match=topic_name) as caught:
            await sink.publish(record)
        assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE
        await make_topic(kafka, topic_name, partitions=1)
        await sink.publish(record)


async def test_records_of_an_aborted_transaction_are_not_delivered(kafka: str, topic: str, unique: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
    async with KafkaSource(SourceConfig(kafka, unique, topic)) as source, asyncio.timeout(DEADLINE_S):
        delivery = await source.receive()
        assert delivery.record.value == b"committed"
        source.settle(delivery)


class _RawName(str):
    """A header name that a producer of another language could send."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002  # as str has it
        return b"\xff\xfe-bad"


async def _put_odd_batch(kafka: str, topic: str, codec: int) -> None:
    """One batch of three records, whose middle one has a header name that is no UTF-8."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(
            magic=2, compression_type=codec, is_transactional=0,
            producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
        )  # fmt: skip
        batch.append(timestamp=None, key=None, value=b"before" * 100)
        batch.append(timestamp=None, key=b"key", value=b"odd", headers=[(_RawName(), b"1"), ("g\xf6", None)])
        batch.append(timestamp=None, key=None, value=b"beside")
        await (await producer.send_batch(batch, topic, partition=0))
        await producer.send_and_wait(topic, b"behind", partition=0)


@pytest.mark.parametrize("codec", range(5))
async def test_a_header_name_that_is_no_text_holds_nothing_back(kafka: str, topic: str, codec: int) -> None:
    await _put_odd_batch(kafka, topic, codec)
    async with KafkaSource(SourceConfig(kafka, topic, topic)) as source, asyncio.timeout(DEADLINE_S):
        deliveries = [await source.receive() for _ in range(4)]
    assert [delivery.record.value for delivery in deliveries] == [b"before" * 100, b"odd", b"beside", b"behind"]
    assert [delivery.record.offset for delivery in deliveries] == [0, 1, 2, 3]
    odd = deliveries[1].record
    assert (odd.key, odd.headers) == (b"key", (("\\xff\\xfe-bad", b"1"), ("g\xf6", None)))
    async with KafkaSink(SinkConfig(kafka)) as sink:
        await sink.publish(OutboundRecord(topic, odd.key, odd.value, odd.headers))


async def test_a_consumer_that_fails_again_and_again_ends_receive_and_keeps_nobody_waiting(
    kafka: str, topic: str
) -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    async with KafkaSource(SourceConfig(kafka, topic, topic)) as source, asyncio.timeout(2 * DEADLINE_S):
        receiving = asyncio.create_task(source.receive())
        while not receiving.done():
            if source._member and source.is_ready:  # one that still joins takes its time to leave
                source._member._run(fail())
            await asyncio.sleep(0.01)
        with pytest.raises(FatalError, match="broken") as caught:
            await receiving
        assert caught.value.exit_code is ExitCode.INTERNAL
        assert not source.is_ready
        await source.flush()


async def test_work_between_revocation_and_assignment_does_not_hold_the_assignment_up(kafka: str, topic: str) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        KafkaSource(SourceConfig(kafka, topic, topic)) as source,
        KafkaSink(SinkConfig(kafka)) as sink,
    ):
        await sink.publish(OutboundRecord(topic, b"key", b"before"))
        first = await source.receive()
        assert source._member is not None
        claim, consumer = source._member._claim, source._member._consumer
        await claim.on_partitions_revoked(())
        source.settle(first)
        await source.flush()
        await claim.on_partitions_assigned(consumer.assignment())
        await sink.publish(OutboundRecord(topic, b"key", b"after"))
        assert (await source.receive()).record.value == b"after"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that are as good as the real ones, and shorter."""
    monkeypatch.setattr(closing, "_STOP_S", 1.0)
    monkeypatch.setattr(source_module, "_FLUSH_S", 1.0)


@pytest.mark.usefixtures("impatient")
async def test_a_publish_that_was_given_up_is_not_written_when_the_broker_comes_back(
    own_broker: Broker, topic_name: str
) -> None:
    bootstrap = own_broker.bootstrap
    await make_topic(bootstrap, topic_name, partitions=1)
    assert own_broker.service is not None
    async with KafkaSink(SinkConfig(bootstrap, publish_timeout_s=1.0)) as sink:
        await sink.publish(OutboundRecord(topic_name, b"key", b"first"))
        own_broker.service.stop()
        with pytest.raises(OutageError):
            await sink.publish(OutboundRecord(topic_name, b"key", b"given up"))
        await until(lambda: not sink._retiring, "its producer is closed")
        own_broker.service.start()
        async with asyncio.timeout(DEADLINE_S), AIOKafkaProducer(bootstrap_servers=bootstrap) as other:
            await other.send_and_wait(topic_name, b"last")
    records = await read_topic(bootstrap, topic_name, 2)
    assert [record.value for record in records] == [b"first", b"last"]


@pytest.mark.usefixtures("impatient")
async def test_while_the_broker_is_away_flush_and_close_end_in_time(own_broker: Broker, topic_name: str) -> None:
    bootstrap = own_broker.bootstrap
    await make_topic(bootstrap, topic_name, partitions=1)
    async with KafkaSink(SinkConfig(bootstrap)) as sink:
        await sink.publish(OutboundRecord(topic_name, b"key", b"value"))
    source = await KafkaSource(SourceConfig(bootstrap, topic_name, topic_name)).__aenter__()
    delivery = await source.receive()
    assert own_broker.service is not None
    own_broker.service.stop()
    source.settle(delivery)
    async with asyncio.timeout(DEADLINE_S):
        await source.flush()
        await source.__aexit__(None, None, None)


async def test_a_source_whose_broker_answers_nothing_is_not_ready(own_broker: Broker, topic_name: str) -> None:
    assert own_broker.holder is not None
    await make_topic(own_broker.bootstrap, topic_name, partitions=1)
    # A session that outlasts the silence, or the broker throws both out when it wakes up.
    config = SourceConfig(own_broker.bootstrap, topic_name, topic_name, session_timeout_ms=60_000)
    # The second member has no partition.
    async with KafkaSource(config) as one, KafkaSource(config) as two:

        def are(*, ready: bool) -> bool:
            return one.is_ready is ready and two.is_ready is ready

        await until(lambda: are(ready=True), "both are ready")
        (broker,) = children_of(own_broker.holder)
        os.kill(broker, signal.SIGSTOP)
        try:
            await until(lambda: are(ready=False), "neither is ready", within_s=20)
        finally:
            os.kill(broker, signal.SIGCONT)
        await until(lambda: are(ready=True), "both are ready again")
        # Longer than an answer counts.
        for _ in range(30):
            await asyncio.sleep(0.5)
            assert are(ready=True)
