"""Texts as anybody may read them."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "**********"
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@]*(:[^\s@]*)?@")


def without_credentials(text: str) -> str:
    """The text with name and password of each URL masked."""
    return _CREDENTIALS.sub(f"{MASK}@", text)
