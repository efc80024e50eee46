"""Texts as anybody may read them."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "**********"
_CREDENTIALS: Final = re.compile(r"(?<=://)(?:[^\s/@:]*:(?![0-9]+[/?#,])\S*|[^\s/@:]*)@")
"""From `://` to an `@`: to the last one where a password may hold some, but not past what must be a port."""


def without_credentials(text: str) -> str:
    """The text with name and password of each URL masked."""
    return _CREDENTIALS.sub(f"{MASK}@", text)
