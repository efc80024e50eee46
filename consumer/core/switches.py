"""The words that ask the fake engine for trouble; `consumer.engine.fake` says what each one does."""

from __future__ import annotations

import re
from typing import Final

SWITCHES: Final = ("slow", "crash", "abort", "hang", "freeze", "oom", "lost", "leak", "error")
_SWITCH: Final = re.compile(rf"(?:fake:)?({'|'.join(SWITCHES)})(?:=(\d+(?:\.\d+)?))?")


def read_switches(text: str) -> dict[str, float]:
    """Switches by name with their numbers, 0 where none is given.

    Raises:
        ValueError: a word is no switch.
    """
    found = {}
    for word in text.split():
        match = _SWITCH.fullmatch(word)
        if match is None:
            raise ValueError(f"'{word}' is no switch of the fake engine: {', '.join(SWITCHES)}")
        found[match[1]] = float(match[2] or 0)
    return found
