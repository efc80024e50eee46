"""Models pulled from a hub of the tests' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.models.download import Download
from consumer.models.hub import Hub
from consumer.models.resolve import LocatedModel, Wanted, find
from tests.stack.hub import TINY_MODEL, StandIn

SMALL: Final = "Systran/faster-whisper-small"
"""The repository of `small`."""
WEIGHTS_BYTES: Final = len(TINY_MODEL["model.bin"])


def pull(hub: StandIn, cache: Path, name: str = "small", **how: Any) -> LocatedModel:
    """As `steno models pull` does."""
    return find(Wanted(name, cache, Download(Hub(hub.url, look_up_timeout_s=1)), **how))


def refusal(hub: StandIn, cache: Path, **how: Any) -> str:
    """What a pull of `small` ends with that leaves nothing there."""
    with pytest.raises(FatalError) as caught:
        pull(hub, cache, **how)
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert not (cache / "small").exists()
    return caught.value.message
