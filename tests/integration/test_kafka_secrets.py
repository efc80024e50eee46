"""Secrets and tokens that end, change or are refused while the link is up."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.core.failures import OutageError
from consumer.ports import OutboundRecord
from contracts.broker import BrokerSecurity
from tests.integration.links import oauth
from tests.stack.clients import make_topic
from tests.stack.secured import PASSWORD, Secured
from tests.stack.tokens import TokenEndpoint
from tests.waiting import DEADLINE_S, until


async def test_a_session_that_ends_with_its_token_is_opened_again(
    secured: Secured, endpoint: TokenEndpoint, topic_name: str
) -> None:
    address, security = secured.address("sasltls"), BrokerSecurity.model_validate(oauth(secured, endpoint))
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    # The broker ends each session with its token; a token serves for four fifths of that.
    endpoint.life_s = 2.0
    async with (
        asyncio.timeout(DEADLINE_S),
        KafkaSink(SinkConfig(address, security)) as sink,
        KafkaSource(SourceConfig(address, topic_name, topic_name, security)) as source,
    ):
        until_s = asyncio.get_running_loop().time() + 3 * endpoint.life_s
        sent = 0
        while asyncio.get_running_loop().time() < until_s:
            await sink.publish(OutboundRecord(topic_name, b"key", str(sent).encode()))
            delivery = await source.receive()
            assert delivery.record.value == str(sent).encode()
            source.settle(delivery)
            sent += 1
            await asyncio.sleep(0.2)
    assert len(endpoint.asked) > 3, "a token was used beyond its life"
    assert endpoint.asked[0] == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


async def test_a_secret_that_is_wrong_later_is_an_outage_and_heals_when_it_is_right_again(
    secured: Secured, topic_name: str, tmp_path: Path
) -> None:
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    fields = {**secured.scram_fields, "sasl_password_file": str(file)}
    del fields["sasl_password"]
    security = BrokerSecurity.model_validate(fields)
    record = OutboundRecord(topic_name, b"key", b"value")
    async with KafkaSink(SinkConfig(secured.address("sasltls"), security)) as sink:
        await sink.publish(record)
        file.write_text("rotated")
        sink._retire(sink._producer)
        with pytest.raises(OutageError, match=r"does not take user 'worker'.*sasl_password_file"):
            await sink.publish(record)
        file.unlink()
        with pytest.raises(OutageError, match=r"password cannot be read.*sasl_password_file"):
            await sink.publish(record)
        file.write_text(PASSWORD)
        await sink.publish(record)


async def test_a_member_whose_secret_was_exchanged_comes_back_with_the_new_one(
    secured: Secured, topic_name: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    fields = {**secured.scram_fields, "sasl_password_file": str(file)}
    del fields["sasl_password"]
    security = BrokerSecurity.model_validate(fields)
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    config = SourceConfig(
        secured.address("sasltls"), topic_name, topic_name, security,
        look_s=0.5, session_timeout_ms=3000, heartbeat_interval_ms=500,
    )  # fmt: skip
    async with asyncio.timeout(2 * DEADLINE_S), KafkaSource(config) as source:
        await until(lambda: source.is_ready, "the member is ready")
        member = source._member
        assert member is not None
        # As if the broker had another password from now on: what the member was built with is taken no more.
        client = member._consumer._client
        client._sasl_plain_password = "old"
        for conn in list(client._conns.values()):
            conn.close()
        await until(lambda: source._member not in {None, member} and source.is_ready, "another member is ready")


async def test_who_is_refused_while_it_runs_waits_with_the_reason_and_goes_on(
    secured: Secured, endpoint: TokenEndpoint, topic_name: str
) -> None:
    address, security = secured.address("sasltls"), BrokerSecurity.model_validate(oauth(secured, endpoint))
    opened = secured.address("plaintext")
    await make_topic(opened, topic_name, partitions=1)
    endpoint.life_s = 2.0
    config = SourceConfig(address, topic_name, topic_name, security, look_s=0.5)
    async with asyncio.timeout(2 * DEADLINE_S), KafkaSink(SinkConfig(opened)) as sink, KafkaSource(config) as source:
        await until(lambda: source.is_ready, "the member is ready")
        endpoint.refuses = True
        with capture_logs() as lines:
            await until(lambda: any(line["event"] == "broker_refuses" for line in lines), "a refusal")
        (refusal, *_) = [line for line in lines if line["event"] == "broker_refuses"]
        assert re.search(r"status 401 \(invalid_client\).*oauth_client_secret", refusal["error"])
        assert not source.is_ready
        await sink.publish(OutboundRecord(topic_name, b"key", b"meanwhile"))
        endpoint.refuses = False
        endpoint.life_s = 60.0
        delivery = await source.receive()
        assert delivery.record.value == b"meanwhile"
        source.settle(delivery)
