"""What the doctor says of a broker: a real one, with listeners that want to be asked nicely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from consumer.doctor.broker import broker_checks, group_check, judge_members
from consumer.doctor.examination import examine
from consumer.doctor.findings import Finding, Level
from consumer.doctor.worker import worker_checks
from consumer.settings import KafkaSettings, Settings, TopicSettings
from tests.stack.clients import make_topic
from tests.stack.secured import LIMITED, PASSWORD, Secured


def settings_for(servers: str, requests: str, **security: object) -> Settings:
    link = {"bootstrap_servers": servers, "group_id": requests, **security}
    return Settings(kafka=KafkaSettings.model_validate(link), topics=TopicSettings(requests=requests))


def limited(secured: Secured, requests: str) -> Settings:
    return settings_for(
        secured.address("sasl"), requests, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN",
        sasl_username=LIMITED, sasl_password=PASSWORD,
    )  # fmt: skip


async def looked_at(settings: Settings) -> dict[str, Finding]:
    async with AsyncExitStack() as stack:
        rights = next(check for check in worker_checks(settings, stack) if check.name == "rights")
        checks = [*broker_checks(settings), rights, group_check(settings)]
        return {check.name: finding async for check, finding in examine(checks)}


async def make_topics(servers: str, settings: Settings) -> None:
    for spec in settings.topic_specs:
        await make_topic(servers, spec.name, partitions=spec.partitions, config=dict(spec.config))


@asynccontextmanager
async def silent_port() -> AsyncIterator[str]:
    """Accepts and says nothing."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in held:
            writer.close()


async def test_a_broker_with_topics_as_they_should_be_is_well(kafka: str, topic_name: str) -> None:
    settings = settings_for(kafka, topic_name)
    await make_topics(kafka, settings)
    found = await looked_at(settings)
    assert {name: finding.level for name, finding in found.items()} == dict.fromkeys(
        ("broker", "topics", "rights", "group"), Level.OK
    )
    assert "no members" in found["group"].text


async def test_topics_that_are_missing_or_differ_are_told_apart(kafka: str, topic_name: str) -> None:
    settings = settings_for(kafka, topic_name)
    assert (await looked_at(settings))["topics"].level is Level.FAILED
    missing = (await looked_at(settings))["topics"]  # looking has made none
    assert (missing.level, settings.topics.dlt in missing.text) == (Level.FAILED, True)
    assert "steno topics init" in missing.advice
    for spec in settings.topic_specs:
        await make_topic(kafka, spec.name, partitions=1)
    differing = await looked_at(settings)
    assert (differing["topics"].level, differing["rights"].level) == (Level.WARNING, Level.OK)
    assert "partitions is 1 and should be 12" in differing["topics"].text


async def test_rights_that_are_missing_are_named(secured: Secured, topic_name: str) -> None:
    settings = limited(secured, topic_name)
    await make_topics(secured.address("plaintext"), settings)
    for spec in settings.topic_specs:
        await secured.allow("describe", "topic", spec.name)
    await secured.allow("describe", "group", settings.kafka.group_id)
    found = await looked_at(settings)
    assert found["broker"].level is Level.OK
    assert (found["topics"].level, "DESCRIBE_CONFIGS" in found["topics"].advice) == (Level.WARNING, True)
    assert (found["rights"].level, "grant READ on" in found["rights"].text) == (Level.FAILED, True)
    assert (found["group"].level, found["group"].advice) == (Level.FAILED, "grant READ on the group")


async def test_a_group_that_may_be_read_is_well(secured: Secured, topic_name: str) -> None:
    settings = limited(secured, topic_name)
    await secured.allow("read", "group", settings.kafka.group_id)
    alone = replace(group_check(settings), after=None)
    assert [finding.level async for _, finding in examine([alone])] == [Level.OK]


async def test_a_wrong_password_is_told_once(secured: Secured, topic_name: str) -> None:
    settings = settings_for(
        secured.address("sasl"), topic_name, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN",
        sasl_username=LIMITED, sasl_password="wrong",
    )  # fmt: skip
    found = await looked_at(settings)
    assert (found["broker"].level, "STENO_KAFKA__SASL_PASSWORD" in found["broker"].advice) == (Level.FAILED, True)
    assert "wrong" not in str(found)
    assert not any(found[name].is_checked for name in ("topics", "rights", "group"))


@pytest.mark.parametrize("servers", ["nowhere.invalid:9092", "127.0.0.1:1"])
async def test_a_broker_that_is_not_there_is_told_with_its_setting(servers: str, topic_name: str) -> None:
    found = (await looked_at(settings_for(servers, topic_name)))["broker"]
    assert (found.level, found.advice) == (Level.FAILED, "check STENO_KAFKA__BOOTSTRAP_SERVERS")


async def test_a_broker_that_accepts_and_says_nothing_is_told_in_time(topic_name: str) -> None:
    async with silent_port() as servers:
        found = (await looked_at(settings_for(servers, topic_name)))["broker"]
    assert (found.level, "STENO_KAFKA__BOOTSTRAP_SERVERS" in found.advice) == (Level.FAILED, True)


async def test_brokers_that_call_themselves_by_names_unknown_here_are_told(kafka: str, topic_name: str) -> None:
    host, _, port = kafka.rpartition(":")
    settings = settings_for(kafka, topic_name).kafka
    found = await judge_members(settings, [(host, int(port)), ("nowhere.invalid", 9092)])
    assert (found.level, "nowhere.invalid:9092" in found.text) == (Level.FAILED, True)
    assert "advertised.listeners" in found.advice
    assert (await judge_members(settings, [(host, int(port))])).level is Level.OK
