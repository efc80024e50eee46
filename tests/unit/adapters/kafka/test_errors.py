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
        (errors.BrokerNotAvailableError(), ExitCode.UNAVAILABLE, "BrokerNotAvailableError"),
        (errors.UnsupportedVersionError(), ExitCode.BAD_SETTINGS, "UnsupportedVersionError"),
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


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (TimeoutError(), "is it up"),
        (errors.NotEnoughReplicasError(), "replicas in sync"),
        (errors.TopicAuthorizationFailedError("topic"), "grant READ on the requests and WRITE"),
        (errors.UnsupportedForMessageFormatError(), "the topic's settings"),
        (errors.OutOfOrderSequenceNumber(), "OutOfOrderSequenceNumber"),
    ],
)
def test_an_unconfirmed_publish_is_an_outage_that_says_what_to_look_at(error: BaseException, advice: str) -> None:
    found = outage(error, "topic")
    assert found.code is ErrorCode.BROKER_UNAVAILABLE
    assert advice in found.message
