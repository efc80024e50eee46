"""What each error of the Kafka client means: one table, by class."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from aiokafka import errors

from contracts.broker.refusals import REFUSALS


class Fault(StrEnum):
    """What the broker's answer, or its silence, means."""

    AWAY = "away"
    """It does not answer, or not now: leaders move, replicas are missing, requests time out."""
    REFUSED = "refused"
    """It knows us and says no."""
    RECORD = "record"
    """This record will never be written."""
    LOST = "lost"
    """A rebalance came first: the partitions are somebody else's, nothing is broken."""
    SESSION = "session"
    """Our session timeout is outside the broker's bounds."""
    MISFIT = "misfit"
    """Our settings, the topic's or the broker's version do not go together."""
    UNREADABLE = "unreadable"
    """What lies on the topic, or where the group stands in it, cannot be read."""
    SPENT = "spent"
    """This client is of no use any more; a new one may be."""
    DEFECT = "defect"
    """The client or we did what must not happen."""


BY_CLASS: Final[dict[type[BaseException], Fault]] = {
    **dict.fromkeys(
        (
            errors.KafkaConnectionError, errors.KafkaTimeoutError, errors.KafkaUnavailableError,
            errors.NoBrokersAvailable, errors.NodeNotReadyError, errors.MetadataEmptyBrokerList, errors.StaleMetadata,
            errors.KafkaProtocolError, errors.Cancelled, errors.TooManyInFlightRequests, errors.QuotaViolationError,
            errors.UnknownError, errors.UnknownTopicOrPartitionError, errors.LeaderNotAvailableError,
            errors.NotLeaderForPartitionError, errors.RequestTimedOutError, errors.BrokerNotAvailableError,
            errors.ReplicaNotAvailableError, errors.StaleControllerEpochError, errors.StaleLeaderEpochCodeError,
            errors.GroupLoadInProgressError, errors.GroupCoordinatorNotAvailableError,
            errors.NotCoordinatorForGroupError, errors.NotEnoughReplicasError,
            errors.NotEnoughReplicasAfterAppendError, errors.NotControllerError, errors.KafkaStorageError,
            errors.LogDirNotFound, errors.ReassignmentInProgress, errors.ListenerNotFound,
            errors.FetchSessionIdNotFound, errors.InvalidFetchSessionEpoch, OSError,
        ),
        Fault.AWAY,
    ),
    **dict.fromkeys(REFUSALS, Fault.REFUSED),
    **dict.fromkeys(
        (
            errors.MessageSizeTooLargeError, errors.RecordListTooLargeError, errors.RecordTooLargeError,
            errors.CorruptRecordException, errors.InvalidTimestampError, errors.InvalidTopicError,
        ),
        Fault.RECORD,
    ),
    **dict.fromkeys(
        (
            errors.CommitFailedError, errors.IllegalStateError, errors.IllegalGenerationError,
            errors.UnknownMemberIdError, errors.RebalanceInProgressError, errors.MemberIdRequired,
        ),
        Fault.LOST,
    ),
    errors.InvalidSessionTimeoutError: Fault.SESSION,
    **dict.fromkeys(
        (
            errors.UnrecognizedBrokerVersion, errors.IncompatibleBrokerVersion, errors.UnsupportedVersionError,
            errors.UnsupportedForMessageFormatError, errors.KafkaConfigurationError, errors.InvalidConfigurationError,
            errors.InvalidRequiredAcksError, errors.InvalidGroupIdError, errors.InconsistentGroupProtocolError,
            errors.PolicyViolationError, errors.SecurityDisabled, errors.IllegalSaslStateError,
            errors.OffsetMetadataTooLargeError, errors.InvalidCommitOffsetSizeError,
        ),
        Fault.MISFIT,
    ),
    **dict.fromkeys(
        (errors.OffsetOutOfRangeError, errors.NoOffsetForPartitionError, errors.UnsupportedCodecError),
        Fault.UNREADABLE,
    ),
    **dict.fromkeys(
        (
            errors.ProducerClosed, errors.ProducerFenced, errors.ConsumerStoppedError, errors.OutOfOrderSequenceNumber,
            errors.DuplicateSequenceNumber, errors.InvalidProducerEpoch, errors.InvalidProducerIdMapping,
            errors.UnknownProducerId,
        ),
        Fault.SPENT,
    ),
    **dict.fromkeys(
        (
            errors.IllegalArgumentError, errors.IllegalOperation, errors.InvalidFetchRequestError,
            errors.InvalidRequestError, errors.NoError,
        ),
        Fault.DEFECT,
    ),
    # Of requests that we do not send: transactions, delegation tokens, changes of partitions and groups.
    errors.BrokerResponseError: Fault.DEFECT,
    # The bare class stands for any answer that aiokafka did not foresee while it joins a group or asks for offsets.
    errors.KafkaError: Fault.AWAY,
    Exception: Fault.DEFECT,
}  # fmt: skip
"""The nearest class in an error's own order counts. A code that the client does not know arrives as `UnknownError`."""


def classes_of(*faults: Fault) -> tuple[type[BaseException], ...]:
    """For an `except`: the classes that mean one of these."""
    return tuple(kind for kind, fault in BY_CLASS.items() if fault in faults)


def fault_of(error: BaseException) -> Fault:
    """Judges any error that comes of a call of the client."""
    return next((BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS), Fault.DEFECT)
