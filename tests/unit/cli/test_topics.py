"""Which topics are meant, and what the exit code says of them."""

from __future__ import annotations

import pytest

from consumer.adapters.kafka.topics import TopicReport, TopicState
from consumer.cli.topics import exit_code_for
from consumer.core.failures import ExitCode
from consumer.settings import RetrySettings, Settings, TopicSettings
from contracts.topics import TopicRole, load_topics


def test_topics_have_the_settings_names_and_the_contracts_form() -> None:
    topics = TopicSettings(requests="speech.requests", dlt="graveyard")
    specs = Settings(topics=topics, retry=RetrySettings(delays_ms=(500, 7000))).topic_specs
    template = load_topics()[TopicRole.RETRY]
    assert [spec.name for spec in specs] == [
        "speech.requests", "speech.results", "speech.progress", "speech.requests-retry-500",
        "speech.requests-retry-7000", "graveyard", "speech.requests-parking",
    ]  # fmt: skip
    assert {spec.partitions for spec in specs if "-retry-" in spec.name} == {template.partitions}


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([TopicState.EXISTS, TopicState.CREATED], ExitCode.OK),
        ([TopicState.EXISTS, TopicState.DIFFERS], ExitCode.FAILED),
        ([TopicState.DIFFERS, TopicState.MISSING], ExitCode.TOPICS_MISSING),
    ],
)
def test_exit_code_tells_the_worst(states: list[TopicState], code: ExitCode) -> None:
    assert exit_code_for([TopicReport("topic", state) for state in states]) is code
