"""What is away when an outage is reported, and whom that holds up.

The store, the broker and the local disk serve every job: while one of them is away, no further job is taken. A model
serves those that ask for it: while one that a request named cannot be loaded, only its own jobs wait; the worker's
own one, which is asked for by no name, counts as everybody's.

Whether it is the dependency or one job with an odd object that fails is told by the others: as soon as anybody else
gets an answer, the dependency is there, and who fails after that waits alone. Where there are no others, one further
job is taken after `SECOND_OPINION` failures in a row, and after each one that follows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.errors import ErrorCode


class Dependency(StrEnum):
    """What jobs wait for."""

    STORE = "store"
    STATE = "state"
    """The part of the store where workers speak about jobs, where it is a bucket of its own: no job begins without
    it, whatever the other buckets answer."""
    BROKER = "broker"
    MODEL = "model"
    SCRATCH = "scratch"


_DEPENDENCIES: Final = {
    ErrorCode.STORAGE_UNAVAILABLE: Dependency.STORE,
    ErrorCode.STORAGE_THROTTLED: Dependency.STORE,
    ErrorCode.CREDENTIALS_EXPIRED: Dependency.STORE,
    ErrorCode.BROKER_UNAVAILABLE: Dependency.BROKER,
    ErrorCode.MODEL_LOAD_FAILED: Dependency.MODEL,
    ErrorCode.SCRATCH_FULL: Dependency.SCRATCH,
}

SECOND_OPINION: Final = 6
"""By then a quarter of a minute has passed: longer than most troubles, short for a queue that one job holds up."""


def dependency_of(code: ErrorCode, asked: Dependency | None = None) -> Dependency:
    """What is away when a call fails with the code of an outage.

    Args:
        code: of the outage.
        asked: what the call was meant for, where that is one thing alone.
    """
    found = _DEPENDENCIES[code]
    return Dependency.STATE if asked is Dependency.STATE and found is Dependency.STORE else found


def pauses_intake(dependency: Dependency, model: str | None) -> bool:
    """Whether no job can be done meanwhile.

    Args:
        dependency: what is away.
        model: the one that the job asked for by name.
    """
    return dependency is not Dependency.MODEL or model is None


def wants_second_opinion(failures: int) -> bool:
    """Whether a further job is to show if it is really the dependency, after so many failures in a row."""
    return failures >= SECOND_OPINION
