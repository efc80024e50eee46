"""What a broker that knows us lets us do, and what we say of what it does not."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.adapters.kafka.topics import require_topics
from consumer.core.failures import ExitCode, FatalError
from contracts.broker import BrokerSecurity
from contracts.topics import retry_topic
from tests.integration.links import sasl
from tests.stack.clients import make_topic
from tests.stack.secured import LIMITED, Secured
from tests.waiting import until


class TestRights:
    @pytest.fixture
    def security(self) -> BrokerSecurity:
        return BrokerSecurity.model_validate(sasl("PLAIN", LIMITED))

    async def test_a_topic_out_of_sight_is_told_from_one_that_is_not_there(
        self, secured: Secured, topic_name: str, security: BrokerSecurity
    ) -> None:
        await make_topic(secured.address("plaintext"), topic_name, partitions=1)
        with pytest.raises(FatalError, match=f"{topic_name}.*grant us DESCRIBE") as caught:
            await require_topics(secured.address("sasl"), {topic_name: Right.READ}, security)
        assert caught.value.exit_code is ExitCode.TOPICS_MISSING

    async def test_rights_on_topics_are_asked_for_before_work_begins(
        self, secured: Secured, topic_name: str, security: BrokerSecurity
    ) -> None:
        other = f"{topic_name}-other"
        for name in (topic_name, other):
            await make_topic(secured.address("plaintext"), name, partitions=1)
            await secured.allow("describe", "topic", name)
        wanted = {topic_name: Right.READ, other: Right.WRITE}
        await seen(secured, security, *wanted)
        with pytest.raises(FatalError, match=f"grant READ on {topic_name}; grant WRITE on {other}$") as caught:
            await require_topics(secured.address("sasl"), wanted, security)
        assert caught.value.exit_code is ExitCode.REFUSED
        with pytest.raises(FatalError, match="no topic; grant WRITE") as caught:
            await KafkaSink(SinkConfig(secured.address("sasl"), security)).__aenter__()
        assert caught.value.exit_code is ExitCode.REFUSED

    async def test_a_retry_topic_of_earlier_delays_that_may_not_be_read_is_told_and_left(
        self, secured: Secured, topic_name: str, unique: str, security: BrokerSecurity
    ) -> None:
        earlier = retry_topic(topic_name, 5)
        for name in (topic_name, earlier):
            await make_topic(secured.address("plaintext"), name, partitions=1)
        await secured.allow("read", "topic", topic_name)
        await secured.allow("read", "group", unique)
        await secured.allow("describe", "topic", earlier)
        await seen(secured, security, topic_name, earlier)
        with capture_logs() as lines:
            async with KafkaSource(SourceConfig(secured.address("sasl"), unique, topic_name, security)) as source:
                await until(lambda: source.is_ready, "the source is ready")
        (told,) = [line for line in lines if line["event"] == "retry_topics_not_read"]
        assert f"grant READ on {earlier}" in told["error"]

    async def test_a_group_that_is_denied_is_named(
        self, secured: Secured, topic_name: str, unique: str, security: BrokerSecurity
    ) -> None:
        await make_topic(secured.address("plaintext"), topic_name, partitions=1)
        await secured.allow("read", "topic", topic_name)
        await seen(secured, security, topic_name)
        with pytest.raises(FatalError, match=f"no group {unique}; grant READ") as caught:
            await KafkaSource(SourceConfig(secured.address("sasl"), unique, topic_name, security)).__aenter__()
        assert caught.value.exit_code is ExitCode.REFUSED


async def seen(secured: Secured, security: BrokerSecurity, *topics: str) -> None:
    """Waits until rights that were granted are in force."""

    async def is_seen() -> bool:
        try:
            await require_topics(secured.address("sasl"), dict.fromkeys(topics, Right.READ), security)
        except FatalError as exc:
            return exc.exit_code is not ExitCode.TOPICS_MISSING
        return True

    await until(is_seen, "the topics are in sight")
