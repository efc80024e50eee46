"""How a command, a source or a publish fails for an error of the Kafka client."""

from __future__ import annotations

from typing import Final

from aiokafka import errors

from consumer.adapters.kafka.faults import Fault, classes_of, fault_of
from consumer.adapters.kafka.records import place_of
from consumer.core.failures import ExitCode, FatalError, OutageError
from contracts.broker.findings import Cause
from contracts.broker.knock import ShutOutError
from contracts.errors import ErrorCode

REFUSED_RECORDS: Final = classes_of(Fault.RECORD)
"""This record will never be written."""

LOST_CLAIMS: Final = classes_of(Fault.LOST)
"""A rebalance came first: the partitions are lost, nothing is broken."""

EXIT_CODES: Final = {
    Cause.SILENT: ExitCode.UNAVAILABLE,
    Cause.TOKENLESS: ExitCode.UNAVAILABLE,
    Cause.REFUSED: ExitCode.REFUSED,
    Cause.MISFIT: ExitCode.BAD_SETTINGS,
}
"""How a command ends that a broker does not let in."""

_ADVICE: Final = {
    Fault.AWAY: "; is it up, with as many replicas in sync as the topic wants?",
    Fault.MISFIT: "; check the topic's settings and the broker's version",
}
"""What to look at while a publish is repeated."""


class StalledError(Exception):
    """The consumer raised nothing and does nothing."""


def start_failure(error: BaseException, bootstrap_servers: str) -> FatalError:
    """Why we cannot start with this broker, and what to look at."""
    if isinstance(error, ShutOutError):
        return FatalError(EXIT_CODES[error.cause], error.sentence(bootstrap_servers))
    broker = f"the Kafka broker at {bootstrap_servers}"
    match fault_of(error):
        case Fault.REFUSED:
            return FatalError(ExitCode.REFUSED, f"{broker} refuses us: {_refusal(error)}")
        case Fault.SESSION:
            text = "takes only sessions between its group.min.session.timeout.ms and group.max.session.timeout.ms"
            return FatalError(
                ExitCode.BAD_SETTINGS, f"{broker} {text}; set STENO_KAFKA__SESSION_TIMEOUT_MS accordingly"
            )
        case Fault.MISFIT | Fault.RECORD | Fault.UNREADABLE | Fault.DEFECT:
            return FatalError(ExitCode.BAD_SETTINGS, f"{broker} does not accept our settings ({_text(error)})")
    return FatalError(
        ExitCode.UNAVAILABLE,
        f"no Kafka broker answers at {bootstrap_servers} ({_text(error)}); check STENO_KAFKA__BOOTSTRAP_SERVERS",
    )


def is_defect(error: BaseException) -> bool:
    """Whether the client or we did what must not happen; a broker that says no may say yes again."""
    return not isinstance(error, (errors.KafkaError, OSError, StalledError))


def running_failure(error: BaseException) -> FatalError:
    """Why a source that was running can never deliver again."""
    if fault_of(error) is Fault.REFUSED:
        return FatalError(ExitCode.REFUSED, f"the Kafka broker refuses us: {_refusal(error)}")
    if place := place_of(error):
        text = f"the records at {place} (topic/partition/offset) cannot be read ({_text(error)})"
        return FatalError(ExitCode.INTERNAL, f"{text}; look at them, then move the group's offset past them")
    return FatalError(ExitCode.INTERNAL, f"the Kafka client failed for good: {_text(error)}")


def outage(error: BaseException, topic: str) -> OutageError:
    """Why a publish could not be confirmed."""
    why = _refusal(error) if fault_of(error) is Fault.REFUSED else f"{_text(error)}{_ADVICE.get(fault_of(error), '')}"
    return OutageError(ErrorCode.BROKER_UNAVAILABLE, f"the broker did not take a record for {topic}: {why}")


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
