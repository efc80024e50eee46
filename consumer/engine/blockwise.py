"""One long matrix product in blocks, equal to the whole to the last bit. Engine process only.

OpenBLAS adds up a row of the result in an order that hangs on where the row stands: it deals the rows out among its
threads and each thread walks through its share in panels, of which the first is treated apart and the last two are
evened out. One unit in the last place is enough for another transcript, as every window builds on the text before.
So a block is multiplied in the same place of a smaller product: in the same thread's share, after one more panel.

How BLAS does it here is not asked but tried: `find_layout` compares candidates with whole products of random numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from consumer.allotment import cores
from consumer.engine.lazy import Floats

_ROW_STEP: Final = 8
"""Shares of threads are multiples of it."""
_PANELS: Final = (320, 384, 448, 512, 640, 768)
"""Rows of a panel on the processors that OpenBLAS knows; 320 is AVX2's."""
_PANELS_IN_A_BLOCK: Final = 20
_TRIED_ROWS: Final = (14_003, 15_368)
"""For each thread: two blocks and a bit."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are dealt out."""

    panel: int
    threads: int


@dataclass(frozen=True, slots=True)
class Block:
    """Rows [first, last) of the whole."""

    first: int
    last: int
    lead: int
    """Rows before the first that are multiplied with it and dropped."""
    share: int
    """The thread that has them."""


def blocks(layout: Layout, rows: int) -> Iterator[Block]:
    """The whole in order; a block ends where its share ends rather than leave less than two panels."""
    size = layout.panel * _PANELS_IN_A_BLOCK
    for share, (start, end) in enumerate(_shares(layout, rows)):
        first = start
        while first < end:
            last = end if end - first - size < 2 * layout.panel else first + size
            yield Block(first, last, layout.panel if first > start else 0, share)
            first = last


def multiply(layout: Layout, filters: Floats, rows: Floats, block: Block) -> Floats:
    """`filters @ rows.T` of a block.

    Args:
        layout: as tried.
        filters: float32, shape (m, k).
        rows: float32, shape (block.lead + block.last - block.first, k).
        block: which one.
    """
    filling = np.zeros((-(-len(rows) // _ROW_STEP) * _ROW_STEP, rows.shape[1]), np.float32)
    stacked = [rows if share == block.share else filling for share in range(layout.threads)]
    start = block.share * len(filling)
    result: Floats = filters @ (stacked[0] if layout.threads == 1 else np.concatenate(stacked)).T
    return result[:, start + block.lead : start + len(rows)]


@functools.cache
def find_layout(mels: int, bins: int) -> Layout | None:
    """The layout under which blocks equal the whole here; None where there is none among the candidates.

    Blocks for some tenths of a second, once.
    """
    random = np.random.default_rng(1)
    filters = random.random((mels, bins), np.float32)
    for threads in _thread_counts():
        wholes = [random.random((threads * rows, bins), np.float32) for rows in _TRIED_ROWS]
        products = [filters @ whole.T for whole in wholes]
        for panel in _PANELS:
            layout = Layout(panel, threads)
            if all(_is_equal(layout, filters, *pair) for pair in zip(wholes, products, strict=True)):
                return layout
    return None


def _is_equal(layout: Layout, filters: Floats, whole: Floats, expected: Floats) -> bool:
    return all(
        np.array_equal(
            multiply(layout, filters, whole[block.first - block.lead : block.last], block),
            expected[:, block.first : block.last],
        )
        for block in blocks(layout, len(whole))
    )


def _shares(layout: Layout, rows: int) -> Iterator[tuple[int, int]]:
    start = 0
    for left in range(layout.threads, 0, -1):
        width = -(-(rows - start) // left)
        end = min(start + -(-width // _ROW_STEP) * _ROW_STEP, rows)
        if start < end:
            yield start, end
        start = end


def _thread_counts() -> Sequence[int]:
    most = cores()
    return sorted({1, 2, *(most >> shift for shift in range(4) if most >> shift)}, reverse=True)
