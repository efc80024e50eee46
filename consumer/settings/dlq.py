"""The dead-letter desk."""

from __future__ import annotations

from pydantic import Field

from consumer.settings.group import Group


class DlqSettings(Group):
    """The dead-letter desk."""

    max_replays: int = Field(
        3, ge=0, le=1_000_000, description="replays of one record, after which `steno dlq replay` parks it instead"
    )
