"""Mutated sound files through the real decoder: `python -m tests.bench.fuzz [--count N] [--without-landlock]`.

Every mutation follows from its number, so one that brings a decoder down can be had again: `--first NUMBER --count 1`.
Prints codes by count, decoders that came down, files and sockets that decoders asked for, and seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from contracts.errors import ErrorCode
from contracts.requests import Channels
from tests import media
from tests.mutations import make_mutation
from tests.ordeal import DECODED, PATIENT, Ordeal, ordeal

_AT_ONCE: Final = 2
_SEPARATE_EVERY: Final = 4
"""So often channels are kept apart."""


@dataclass(slots=True)
class Tally:
    """What came of the mutations."""

    opened: Ordeal
    """Which has seen what decoders asked for; complete at the end."""
    codes: Counter[str] = field(default_factory=Counter)
    fallen: list[tuple[int, str]] = field(default_factory=list)
    """Numbers of those on which a decoder came down, and how."""
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds and number."""
    server_is_the_first: bool = False
    """Whether the fork server outlived all of it and still decodes."""
    seconds: float = 0.0


async def fuzz(numbers: range, *, has_landlock: bool = True) -> Tally:
    """Decodes the mutations with these numbers."""
    started_s = time.perf_counter()
    async with ordeal(PATIENT, has_landlock=has_landlock) as opened:
        tally, first, queue = Tally(opened), opened.server_pid, iter(numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(_work(queue, tally))
        after = await opened.face(media.make_wav(16_000))
        tally.server_is_the_first = after.code == DECODED and opened.server_pid == first
    tally.seconds = time.perf_counter() - started_s
    return tally


async def _work(numbers: Iterator[int], tally: Tally) -> None:
    for number in numbers:
        channels = Channels.MIX if number % _SEPARATE_EVERY else Channels.SEPARATE
        outcome = await tally.opened.face(make_mutation(number), channels)
        tally.codes[outcome.code] += 1
        tally.slowest = max(tally.slowest, (outcome.seconds, number))
        if outcome.code == ErrorCode.MEDIA_DECODER_FAILED:
            tally.fallen.append((number, outcome.message))


def main() -> None:
    """Prints the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--without-landlock", action="store_true", help="as on a kernel that lacks it")
    asked = parser.parse_args()
    numbers = range(asked.first, asked.first + asked.count)
    tally = asyncio.run(fuzz(numbers, has_landlock=not asked.without_landlock))
    console = Console(markup=False, highlight=False)
    for code, count in tally.codes.most_common():
        console.print(f"{count:6}  {code}")
    refused = Counter(tally.opened.refused)
    console.print(
        f"{tally.opened.witnessed_decoders} decoders witnessed; files and sockets that they opened: "
        f"{len(tally.opened.granted)}; refused: {refused.total()}"
    )
    for call, count in refused.most_common():
        console.print(f"{count:6}  {call}", soft_wrap=True)
    console.print(f"fork server of the start still decodes: {tally.server_is_the_first}")
    console.print(f"{tally.seconds:.1f} s in all, the slowest {tally.slowest[0]:.2f} s (number {tally.slowest[1]})")
    for number, message in tally.fallen:
        console.print(f"number {number}: {message}", soft_wrap=True)


if __name__ == "__main__":
    main()
