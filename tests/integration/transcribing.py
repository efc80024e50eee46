"""`steno transcribe` in this process, with the real engine and with the fake one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from consumer.cli.ending import run
from consumer.settings import EngineKind, EngineSettings, Settings

SETTINGS: Final = Settings(engine=EngineSettings(model="tiny.en", device="cpu"))
FAKE: Final = {"STENO_ENGINE__KIND": "fake"}
"""Variables of a process."""
SAID: Final = "has never been surpassed."
"""In `SHORT`."""


def transcribe(*arguments: str | Path) -> int:
    """Runs the command with `tiny.en`, which says the same each time."""
    return run(["transcribe", "--temperature", "0", *map(str, arguments)], lambda: SETTINGS)


def transcribe_with_fake(*arguments: str | Path) -> int:
    """Runs the command with no model at all."""
    settings = Settings(engine=EngineSettings(kind=EngineKind.FAKE))
    return run(["transcribe", *map(str, arguments)], lambda: settings)
