"""How workers divide jobs among them, by way of object storage."""

from __future__ import annotations

from pydantic import Field

from consumer.settings.group import Group


class LeaseSettings(Group):
    """How long a worker keeps a job that it says nothing about."""

    ttl_s: float = Field(
        15, ge=3, le=600,
        description="a job whose worker fell silent for so long is run by another, in seconds; renewed three times in "
        "that time, so a longer one asks less of the store and begins later after a crash",
    )  # fmt: skip


class SharingSettings(Group):
    """Whether work is done once for all who ask for it."""

    enabled: bool = Field(
        True, description="whether jobs of one tenant with the same content, options and model share one transcription"
    )
