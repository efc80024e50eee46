"""The `.env` file: its values, and what is wrong with it that would be passed over in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

ENV_FILE: Final = ".env"
ENCODING: Final = "utf-8-sig"
"""Windows editors put a byte order mark before the first name, which would be a part of it."""


def read_values() -> dict[str, str]:
    """What the file of this folder sets, by names as written; nothing where there is no file.

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is not UTF-8.
    """
    return {name: value for name, value in dotenv_values(ENV_FILE, encoding=ENCODING).items() if value is not None}


def value_of(variable: str) -> str:
    """What the environment or else the file sets a variable to, in any spelling; empty where neither does.

    Without the settings, for whoever cannot wait for them; a value may be out of range.

    Raises:
        OSError: the file cannot be read.
        UnicodeError: it is not UTF-8.
    """
    for values in (os.environ, read_values()):
        if found := next((value for name, value in values.items() if name.upper() == variable and value), ""):
            return found
    return ""


def faults(prefix: str) -> Iterator[str]:
    """One sentence for each line that sets nothing, and each name with this prefix that has two values.

    Raises:
        OSError: the file cannot be read.
        UnicodeError: it is not UTF-8.
    """
    path = Path(ENV_FILE)
    if path.is_symlink() and not path.exists():
        yield f"the file {ENV_FILE} is a link to {path.readlink()}, which is not there; put it right or remove it"
    elif path.exists() and not (path.is_file() or path.is_fifo()):  # a pipe can be read once only
        yield f"{ENV_FILE} is no file that can be read; remove or rename it, or start in another folder"
    elif path.is_file():
        with path.open(encoding=ENCODING) as stream:
            bindings = list(parse_stream(stream))
        yield from _unread(bindings)
        yield from _doubled(bindings, prefix)


def _unread(bindings: list[Binding]) -> Iterator[str]:
    for binding in bindings:
        if binding.error or "\0" in (binding.value or ""):
            yield f"line {_line_of(binding)} of {ENV_FILE} is not NAME=value; correct it, or put '#' before it"


def _doubled(bindings: list[Binding], prefix: str) -> Iterator[str]:
    first: dict[str, Binding] = {}
    for binding in bindings:
        name = (binding.key or "").upper()
        if name.startswith(prefix):
            known = first.setdefault(name, binding)
            if known.value != binding.value:
                lines = f"lines {_line_of(known)} and {_line_of(binding)}"
                yield f"{name} has two values in {ENV_FILE} ({lines}); keep one of them"


def _line_of(binding: Binding) -> int:
    """Its line; the parser counts from the empty ones before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
