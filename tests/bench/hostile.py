"""Every hostile file, a line each: what was given, code, seconds: `python -m tests.bench.hostile [--without-landlock]`.

What decoders asked the kernel for is traced by strace; without it those end that ask.
"""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console
from rich.table import Table

from tests import speech
from tests.hostile import Case, cases, traps
from tests.ordeal import IMPATIENT, PATIENT, Ordeal, Outcome, face_all, ordeal

Found = list[tuple[Case, Outcome]]


async def run(*, has_landlock: bool) -> tuple[Found, list[Ordeal]]:
    """Faces all files, the traps with less patience."""
    async with ordeal(PATIENT, has_landlock=has_landlock) as patient:
        found = await face_all(cases(str(speech.SHORT.path), "http://127.0.0.1:9/other.wav"), patient)
    async with ordeal(IMPATIENT, has_landlock=has_landlock) as impatient:
        found += await face_all(traps(), impatient)
    return found, [patient, impatient]


def summary(ordeals: list[Ordeal]) -> str:
    """What was opened."""
    granted = [call for opened in ordeals for call in opened.granted]
    refused = [call for opened in ordeals for call in opened.refused]
    count = sum(opened.witnessed_decoders for opened in ordeals)
    first = f"{count} decoders witnessed, files and sockets opened: {len(granted)}"
    return "\n".join([first, *granted, f"refused: {len(refused)}", *refused])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-landlock", action="store_true", help="as on a kernel that lacks it")
    without = parser.parse_args().without_landlock
    found, ordeals = asyncio.run(run(has_landlock=not without))
    table = Table("given", "bytes", "code", "expected", "s", title=f"Landlock: {'no' if without else 'as it is'}")
    for case, outcome in found:
        is_right = outcome.code == (case.code or "decoded")
        table.add_row(
            case.name, str(len(case.content)), outcome.code, "yes" if is_right else "NO", f"{outcome.seconds:.3f}"
        )
    console = Console(width=120)
    console.print(table)
    console.print(summary(ordeals), markup=False)


if __name__ == "__main__":
    main()
