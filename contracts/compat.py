"""Whether a change of the schemas breaks somebody: `python -m contracts.compat [--freeze]`.

The schemas of each release stay in `schemas/released/<version>/`; the present ones are held against the latest.
What breaks depends on the direction:

- what we READ (requests, cancel markers): whatever a producer may send today must be accepted tomorrow, and mean the
  same. Breaks: a field removed or newly required, a type, range, pattern or set of values narrowed, a default changed.
- what we WRITE (events, transcript, manifest, status): whatever a reader relies on today must hold tomorrow. Breaks: a
  field removed or no longer always there, a type, range, pattern or set of values widened.

Fields may be added on both sides, if nobody is made to send them. Values under `x-extensible-enum` (error codes, kinds
of progress) are open to readers: they may be added. A document under another `$id` is another contract.

Of the libraries, jsoncompat knows the directions but not the place of a fault, and refuses a schema with an `$id`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from enum import Enum
from pathlib import Path
from typing import Any, Final

from contracts.differences import Difference, find_differences
from contracts.schema import FOLDER
from contracts.version import __version__

RELEASED: Final = FOLDER / "released"


class Direction(Enum):
    """Who writes a document, and so who suffers from a change."""

    READ = "read"
    WRITE = "write"


DIRECTIONS: Final = {
    "request": Direction.READ,
    "outcome": Direction.WRITE,
    "progress": Direction.WRITE,
    "transcript": Direction.WRITE,
    "manifest": Direction.WRITE,
    "status": Direction.WRITE,
    "cancel": Direction.READ,
}
"""By the stem of the schema's file."""


def breaking(old: dict[str, Any], new: dict[str, Any], direction: Direction) -> list[Difference]:
    """What breaks the other side when one schema follows the other."""
    if old.get("$id") != new.get("$id"):
        return []
    return find_differences(old, new, widening=direction is Direction.WRITE)


def latest(folder: Path = RELEASED) -> Path:
    """The schemas of the latest release.

    Raises:
        FileNotFoundError: there is no release.
    """
    releases = sorted(folder.glob("*.*.*"), key=lambda path: [int(part) for part in path.name.split(".")])
    if not releases:
        raise FileNotFoundError(f"{folder} holds no release: run 'python -m contracts.compat --freeze'")
    return releases[-1]


def check(released: Path, present: Path = FOLDER) -> list[str]:
    """One line for each break since that release, `<document> <place>: <what>`."""
    lines = []
    for name, direction in DIRECTIONS.items():
        before, now = released / f"{name}.json", present / f"{name}.json"
        if not before.exists():
            continue
        if not now.exists():
            lines.append(f"{name}: the document is gone")
            continue
        old, new = (json.loads(path.read_text("utf-8")) for path in (before, now))
        lines += [f"{name} {found.place or '/'}: {found.what}" for found in breaking(old, new, direction)]
    return lines


def freeze(version: str = __version__, *, present: Path = FOLDER) -> Path:
    """Keeps the present schemas as those of a release.

    Raises:
        FileExistsError: that version has been released.
    """
    folder = present / "released" / version
    folder.mkdir(parents=True)
    for name in DIRECTIONS:
        shutil.copy(present / f"{name}.json", folder)
    return folder


def main() -> int:
    """Says what breaks, or with `--freeze` keeps the schemas for the release that is made; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m contracts.compat", description="Finds breaking changes.")
    parser.add_argument("--freeze", action="store_true", help="keep the present schemas: a release is made of them")
    if parser.parse_args().freeze:
        try:
            freeze()
        except FileExistsError:
            sys.stderr.write(f"{__version__} is released already: raise contracts/version.py first\n")
            return 1
        return 0
    released = latest()
    lines = check(released)
    for line in lines:
        sys.stderr.write(f"{line}\n")
    if lines:
        sys.stderr.write(f"This breaks who relies on {released.name}: take it back, or make a new schema version\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
