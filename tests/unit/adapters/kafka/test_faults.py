"""No error of the Kafka client is left without a meaning of ours."""

from __future__ import annotations

import inspect

import pytest
from aiokafka import errors
from aiokafka.errors import for_code

from consumer.adapters.kafka.errors import LOST_CLAIMS, REFUSED_RECORDS
from consumer.adapters.kafka.faults import BY_CLASS, Fault, classes_of, fault_of

OF_NO_REQUEST_OF_OURS = frozenset(
    (
        # Transactions.
        "InvalidTxnState", "InvalidTransactionTimeout", "ConcurrentTransactions", "TransactionCoordinatorFenced",
        # Delegation tokens.
        "DelegationTokenAuthDisabled", "DelegationTokenNotFound", "DelegationTokenOwnerMismatch",
        "DelegationTokenRequestNotAllowed", "DelegationTokenAuthorizationFailed", "DelegationTokenExpired",
        "InvalidPrincipalType",
        # Changes of topics and groups.
        "TopicAlreadyExistsError", "InvalidPartitionsError", "InvalidReplicationFactorError",
        "InvalidReplicationAssignmentError", "OperationNotAttempted", "NonEmptyGroup", "GroupIdNotFound",
    )
)  # fmt: skip
"""`DEFECT`, should one come all the same. A class that is new in another version of aiokafka is not here: give it a
row, or list it."""
JUDGED_BY_BASE = {"CorrelationIdError": errors.KafkaProtocolError}

THEIRS = sorted(
    (kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, BaseException)), key=repr
)


def test_there_are_classes_to_decide_on() -> None:
    assert len(THEIRS) > 90


@pytest.mark.parametrize("kind", THEIRS)
def test_every_class_of_the_library_is_decided_on(kind: type[BaseException]) -> None:
    lists = [kind in BY_CLASS, kind.__name__ in OF_NO_REQUEST_OF_OURS, kind.__name__ in JUDGED_BY_BASE]
    assert lists.count(True) == 1, f"{kind} has no row, or a row and a place in a list"
    if kind.__name__ in OF_NO_REQUEST_OF_OURS:
        assert fault_of(kind.__new__(kind)) is Fault.DEFECT
    if base := JUDGED_BY_BASE.get(kind.__name__):
        assert fault_of(kind.__new__(kind)) is BY_CLASS[base]


@pytest.mark.parametrize("kind", [kind for kind in THEIRS if getattr(kind, "retriable", False)])
def test_what_the_library_would_repeat_is_no_fault_of_anybody(kind: type[BaseException]) -> None:
    assert fault_of(kind.__new__(kind)) is Fault.AWAY


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ConnectionResetError(), Fault.AWAY),
        (TimeoutError(), Fault.AWAY),
        (for_code(30_000)(), Fault.AWAY),
        (errors.KafkaError("GroupMaxSizeReached"), Fault.AWAY),
        (errors.SaslAuthenticationFailed(), Fault.REFUSED),
        (errors.MessageSizeTooLargeError(), Fault.RECORD),
        (errors.CommitFailedError(), Fault.LOST),
        (errors.UnsupportedVersionError(), Fault.MISFIT),
        (errors.ProducerFenced(), Fault.SPENT),
        (KeyError(), Fault.DEFECT),
    ],
)
def test_an_error_has_one_meaning(error: BaseException, fault: Fault) -> None:
    assert fault_of(error) is fault


def test_what_is_caught_is_what_the_table_says() -> None:
    assert set(REFUSED_RECORDS) == set(classes_of(Fault.RECORD))
    assert set(LOST_CLAIMS) == set(classes_of(Fault.LOST))
    assert set(classes_of(*Fault)) == set(BY_CLASS)
