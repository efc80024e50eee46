"""What every group of settings has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, model_validator

PREFIX: Final = "STENO_"
DELIMITER: Final = "__"


class Group(BaseModel):
    """Base of one group of settings."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if faults := list(self.contradictions()):
            raise ValueError("\n".join(faults))
        return self

    def contradictions(self) -> Iterator[str]:
        """One sentence for each pair of values that cannot both stand, with the full names of both variables."""
        yield from ()


def variable_of(group: str, field: str) -> str:
    """The variable of a field."""
    return f"{PREFIX}{group}{DELIMITER}{field}".upper()
