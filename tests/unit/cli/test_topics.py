"""Which topics are meant, and what the exit code says of them."""

from __future__ import annotations

import pytest

from consumer.adapters.kafka.topics import TopicReport, TopicState
from consumer.cli.topics import exit_code_for
from consumer.core.failures import ExitCode
from consumer.settings import TopicSettings
from contracts.topics import load_topics


def test_topics_have_the_settings_names_and_the_contracts_form() -> None:
    specs = TopicSettings(requests="speech.requests", dlt="graveyard").specs
    assert {"speech.requests", "speech.results", "speech.progress", "graveyard"} == {spec.name for spec in specs}
    assert [spec.partitions for spec in specs] == [spec.partitions for spec in load_topics().values()]


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
