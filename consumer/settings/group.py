"""What every group of settings has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Base of one group of settings."""

    model_config = ConfigDict(frozen=True)
