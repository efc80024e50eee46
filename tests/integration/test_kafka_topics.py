"""Making and comparing topics on a real broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.topics import TopicReport, TopicState, check_topics, ensure_topics, require_topics
from consumer.core.failures import ExitCode, FatalError
from contracts.topics import TopicSpec, load_topics
from tests.stack.service import free_ports


async def test_the_topics_of_the_contract_can_be_made_and_then_agree(kafka: str, unique: str) -> None:
    specs = [replace(spec, name=f"{unique}.{role}") for role, spec in load_topics().items()]
    made = await ensure_topics(kafka, specs)
    assert made == [TopicReport(spec.name, TopicState.CREATED) for spec in specs]
    found = [TopicReport(spec.name, TopicState.EXISTS) for spec in specs]
    assert await check_topics(kafka, specs) == found
    assert await ensure_topics(kafka, specs) == found


async def test_checking_a_missing_topic_reports_it_and_makes_nothing(kafka: str, topic_name: str) -> None:
    spec = TopicSpec(topic_name, 1)
    assert await check_topics(kafka, [spec]) == [TopicReport(topic_name, TopicState.MISSING)]
    assert await check_topics(kafka, [spec]) == [TopicReport(topic_name, TopicState.MISSING)]


async def test_a_topic_that_differs_is_reported_and_left_alone(kafka: str, topic_name: str) -> None:
    await ensure_topics(kafka, [TopicSpec(topic_name, 2, config={"retention.ms": "60000"})])
    wanted = TopicSpec(topic_name, 3, config={"retention.ms": "70000"})
    differences = ("partitions is 2 and should be 3", "retention.ms is 60000 and should be 70000")
    expected = [TopicReport(topic_name, TopicState.DIFFERS, differences)]
    assert await ensure_topics(kafka, [wanted]) == expected
    assert await check_topics(kafka, [wanted]) == expected


async def test_a_topic_that_the_broker_cannot_make_stops_with_its_reason(kafka: str, topic_name: str) -> None:
    with pytest.raises(FatalError, match=topic_name):
        await ensure_topics(kafka, [TopicSpec(topic_name, 1, replication_factor=3)])


async def test_a_required_topic_that_is_missing_names_itself_and_the_remedy(kafka: str, topic_name: str) -> None:
    with pytest.raises(FatalError, match=rf"{topic_name}.*steno topics init") as caught:
        await require_topics(kafka, {topic_name: Right.READ})
    assert caught.value.exit_code is ExitCode.TOPICS_MISSING


async def test_no_broker_is_one_clear_line() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(FatalError, match=f"no Kafka broker answers at {address}") as caught:
        await require_topics(address, {"any": Right.READ})
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
