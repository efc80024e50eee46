"""Jobs for a fake engine, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from consumer.core.failures import OutageError, PermanentError, TransientError
from consumer.engine.supervisor import ProcessEngine
from consumer.ports import EngineResult
from contracts.errors import ErrorCode
from contracts.requests import Options
from tests.engines import make_noise

Outcome = EngineResult | ErrorCode


async def job(engine: ProcessEngine, hotwords: str | None = None, *, seconds: float = 1.0, **options: Any) -> Outcome:
    """The result, or the code of the error."""
    with make_noise(seconds) as samples:
        try:
            return await engine.transcribe(
                samples, Options.model_validate({"hotwords": hotwords, **options}, strict=False), lambda _: None
            )
        except (PermanentError, TransientError, OutageError) as exc:
            return exc.code


async def together(engine: ProcessEngine, *hotwords: str | None) -> list[Outcome]:
    """A job for each of these, all at once."""
    return list(await asyncio.gather(*(job(engine, each) for each in hotwords)))


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    """A word for each."""
    return ["done" if isinstance(each, EngineResult) else each.value for each in outcomes]


def pid_of(engine: ProcessEngine) -> int:
    """Its process, which must be there."""
    assert engine.process_id is not None
    return engine.process_id
