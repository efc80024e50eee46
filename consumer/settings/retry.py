"""How often and when failed jobs are tried again."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from consumer.core.ladder import LONGEST_DELAY_MS
from consumer.settings.group import Group
from consumer.settings.notation import split_commas

_NONE: Final = "none"


def _split_delays(value: object) -> object:
    """`none`, because an empty variable counts as unset."""
    return () if isinstance(value, str) and value.strip().lower() == _NONE else split_commas(value)


Delay = Annotated[int, Field(ge=1, le=LONGEST_DELAY_MS)]
Delays = Annotated[tuple[Delay, ...], NoDecode, BeforeValidator(_split_delays)]


class RetrySettings(Group):
    """How often and when failed jobs are tried again."""

    delays_ms: Delays = Field(
        (30_000, 300_000, 1_800_000), max_length=20,
        description="pause before each further attempt, in ms, with commas; each has a topic of its own, which "
        "`steno topics init` makes; `none`: no retries. What waits in topics of earlier delays is still done",
    )  # fmt: skip
    max_deliveries: int = Field(
        3, ge=1, description="a job that so many workers began and none lived to finish is set aside as `WORKER_LOST`"
    )
