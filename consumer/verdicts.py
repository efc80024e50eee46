"""What it means that an attempt breaks off: whatever a job meets is its own failure and nobody else's."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from consumer.core.failures import JobError, TransientError
from consumer.core.ladder import Cancel
from consumer.custody import NotWantedError
from contracts.errors import ErrorCode

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def judged(work: Awaitable[T]) -> T | JobError | Cancel:
    """The result, or what a failure means: whatever a job meets is its own failure and nobody else's."""
    try:
        return await work
    except JobError as error:
        return error
    except NotWantedError as error:
        return error.end
    except Exception as exc:  # noqa: BLE001  # a defect of ours must not meet the same job for ever
        return unexpected(exc)


def unexpected(error: Exception) -> TransientError:
    """What is said of an error that nobody foresaw; the log gets the whole of it."""
    log.error("unexpected_error", exc_info=error)
    return TransientError(ErrorCode.INTERNAL, f"unexpected {type(error).__name__}; the worker's log has the details")
