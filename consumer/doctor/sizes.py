"""Sizes for people."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def as_text(size_bytes: int) -> str:
    """Two or three digits and a decimal unit, such as `1.5 GB`."""
    for unit_bytes, name in _UNITS:
        if size_bytes >= unit_bytes:
            figure = size_bytes / unit_bytes
            return f"{figure:.1f} {name}" if figure < 10 else f"{figure:.0f} {name}"  # noqa: PLR2004 - one digit
    return f"{size_bytes} bytes"
