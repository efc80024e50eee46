"""How long to wait before a dependency that was away is asked again."""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0
_DOUBLINGS: Final = 6


def pause_s(failures: int, jitter: float) -> float:
    """The pause after so many failures in a row, in seconds: doubles from half a second to half a minute.

    Args:
        failures: at least 1.
        jitter: from 0 to 1; takes off up to half, so that a fleet does not come back in step.
    """
    full = min(FIRST_S * 2.0 ** min(failures - 1, _DOUBLINGS), LONGEST_S)
    return full * (1 - jitter / 2)
