"""Names of files on one line: POSIX allows everything in them but a slash and a null."""

from __future__ import annotations

import re
from typing import Final

_BREAKING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNDECODED: Final = re.compile("[\ud800-\udfff]")
"""Bytes that are no UTF-8, as Python keeps them in a name; they cannot be printed."""


def on_one_line(text: str) -> str:
    r"""The text with what would break the line, or act upon the terminal, in Python's notation (`\n`)."""
    return printable(_BREAKING.sub(_escaped, text))


def printable(text: str) -> str:
    r"""The text with undecoded bytes as `\udcXX`, which JSON reads as what they were."""
    return _UNDECODED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
