"""When a worker stops rather than set aside more jobs."""

from __future__ import annotations

from pydantic import Field

from consumer.settings.group import Group


class BrakeSettings(Group):
    """The brake on dead letters."""

    share: float = Field(
        0.5, ge=0, le=1,
        description="part of the last `STENO_BRAKE__WINDOW` ends that may be failures which a worker can be to blame "
        "for; beyond it the worker stops before the next dead letter; 0: no limit",
    )  # fmt: skip
    window: int = Field(100, ge=0, le=100_000, description="ends of jobs that the share is of; 0: no limit")
    run: int = Field(
        20, ge=0, le=100_000, description="likewise so many of them in a row, without a result between; 0: no limit"
    )
