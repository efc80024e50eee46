"""What a Kafka client's errors mean to us, in one table."""

from __future__ import annotations

from typing import Final

from aiokafka import errors

from consumer.adapters.kafka.records import place_of
from consumer.core.failures import ExitCode, FatalError, OutageError
from contracts.broker.findings import Cause
from contracts.broker.knock import ShutOutError
from contracts.broker.refusals import REFUSALS
from contracts.errors import ErrorCode

REFUSED_RECORDS: Final = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
)
"""This record will never be written."""


EXIT_CODES: Final = {
    Cause.SILENT: ExitCode.UNAVAILABLE,
    Cause.TOKENLESS: ExitCode.UNAVAILABLE,
    Cause.REFUSED: ExitCode.REFUSED,
    Cause.MISFIT: ExitCode.BAD_SETTINGS,
}
"""How a command ends that a broker does not let in."""


class StalledError(Exception):
    """The consumer raised nothing and does nothing."""


LOST_CLAIMS: Final = (errors.CommitFailedError, errors.IllegalStateError)
"""A rebalance came first: the partitions are lost, nothing is broken."""


def start_failure(error: BaseException, bootstrap_servers: str) -> FatalError:
    """Why we cannot start with this broker, and what to look at."""
    if isinstance(error, ShutOutError):
        return FatalError(EXIT_CODES[error.cause], error.sentence(bootstrap_servers))
    if isinstance(error, REFUSALS):
        return FatalError(ExitCode.REFUSED, f"the Kafka broker at {bootstrap_servers} refuses us: {_refusal(error)}")
    if isinstance(error, errors.InvalidSessionTimeoutError):
        bounds = "group.min.session.timeout.ms and group.max.session.timeout.ms"
        text = f"the Kafka broker at {bootstrap_servers} takes only sessions between its {bounds}"
        return FatalError(ExitCode.BAD_SETTINGS, f"{text}; set STENO_KAFKA__SESSION_TIMEOUT_MS accordingly")
    if isinstance(error, errors.BrokerResponseError) and not error.retriable:
        return FatalError(
            ExitCode.BAD_SETTINGS,
            f"the Kafka broker at {bootstrap_servers} does not accept our settings ({_text(error)})",
        )
    return FatalError(
        ExitCode.UNAVAILABLE,
        f"no Kafka broker answers at {bootstrap_servers} ({_text(error)}); check STENO_KAFKA__BOOTSTRAP_SERVERS",
    )


def is_defect(error: BaseException) -> bool:
    """Whether the client or we did what must not happen; a broker that says no may say yes again."""
    return not isinstance(error, (errors.KafkaError, OSError, StalledError))


def running_failure(error: BaseException) -> FatalError:
    """Why a source that was running can never deliver again."""
    if isinstance(error, REFUSALS):
        return FatalError(ExitCode.REFUSED, f"the Kafka broker refuses us: {_refusal(error)}")
    if place := place_of(error):
        text = f"the records at {place} (topic/partition/offset) cannot be read ({_text(error)})"
        return FatalError(ExitCode.INTERNAL, f"{text}; look at them, then move the group's offset past them")
    return FatalError(ExitCode.INTERNAL, f"the Kafka client failed for good: {_text(error)}")


def outage(error: BaseException, topic: str) -> OutageError:
    """Why a publish could not be confirmed."""
    return OutageError(ErrorCode.BROKER_UNAVAILABLE, f"the broker did not take a record for {topic}: {_text(error)}")


def _refusal(error: BaseException) -> str:
    """What we may not do, and which right is missing; who may grant it sees ACLs and not our errors."""
    match error:
        case errors.GroupAuthorizationFailedError():
            return f"it lets us into no group {error.args[0] if error.args else ''}; grant READ on the group"
        case errors.TopicAuthorizationFailedError():
            return f"topics are denied ({_text(error)}); grant READ on the requests and WRITE on the other topics"
        case errors.ClusterAuthorizationFailedError():
            return "we may write to no topic; grant WRITE on the topics (before Kafka 2.8 IDEMPOTENT_WRITE, too)"
    return f"{_text(error)}; check the ACLs"


def _text(error: BaseException) -> str:
    """The error's name and what it says; aiokafka's own say their name already."""
    name, text = type(error).__name__, str(error)
    return text if name in text else f"{name}: {text}" if text else name
