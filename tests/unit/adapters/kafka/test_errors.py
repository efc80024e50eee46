"""What the Kafka client's errors become."""

from __future__ import annotations

import pytest
from aiokafka import errors

from consumer.adapters.kafka.errors import outage, running_failure, start_failure
from consumer.core.failures import ExitCode
from contracts.errors import ErrorCode


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (errors.KafkaConnectionError("no route"), ExitCode.UNAVAILABLE, "KafkaConnectionError: no route"),
        (TimeoutError(), ExitCode.UNAVAILABLE, "TimeoutError"),
        (errors.GroupCoordinatorNotAvailableError(), ExitCode.UNAVAILABLE, "GroupCoordinatorNotAvailableError"),
        (errors.GroupAuthorizationFailedError("team"), ExitCode.REFUSED, "no group team; grant READ on the group"),
        (errors.SaslAuthenticationFailed("who"), ExitCode.REFUSED, "SaslAuthenticationFailed: who"),
        (errors.InvalidSessionTimeoutError(), ExitCode.BAD_SETTINGS, "STENO_KAFKA__SESSION_TIMEOUT_MS"),
    ],
)
def test_a_failed_start_says_where_and_why(error: BaseException, exit_code: ExitCode, words: str) -> None:
    failure = start_failure(error, "broker:9092")
    assert failure.exit_code is exit_code
    assert "broker:9092" in failure.message
    assert failure.message.count(words) == 1


def test_a_permission_lost_while_running_is_a_refusal() -> None:
    assert running_failure(errors.TopicAuthorizationFailedError("topic")).exit_code is ExitCode.REFUSED


def test_anything_else_while_running_is_a_defect() -> None:
    assert running_failure(ValueError("bug")).exit_code is ExitCode.INTERNAL


def test_an_unconfirmed_publish_is_an_outage() -> None:
    assert outage(TimeoutError(), "topic").code is ErrorCode.BROKER_UNAVAILABLE
