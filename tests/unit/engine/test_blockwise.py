"""A long product in blocks: every row once, and each with enough before it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from consumer.engine.blockwise import Layout, blocks, find_layout, multiply


@given(rows=st.integers(1, 200_000), panel=st.sampled_from([320, 768]), threads=st.integers(1, 16))
def test_blocks_cover_every_row_once_and_never_cross_shares(rows: int, panel: int, threads: int) -> None:
    found = list(blocks(Layout(panel, threads), rows))
    assert [block.first for block in found] == [0, *(block.last for block in found[:-1])]
    assert found[-1].last == rows
    assert [block.share for block in found] == sorted(block.share for block in found)
    for block, before in zip(found, [None, *found], strict=False):
        is_same_share = before is not None and before.share == block.share
        assert block.lead == (panel if is_same_share else 0)
        assert block.first - block.lead >= (before.first if before else 0)
        assert block.last - block.first < 23 * panel


def test_a_block_is_the_product_of_its_rows() -> None:
    random = np.random.default_rng(1)
    filters, rows = random.random((8, 201), np.float32), random.random((30_000, 201), np.float32)
    for block in blocks(Layout(320, 3), len(rows)):
        ours = multiply(Layout(320, 3), filters, rows[block.first - block.lead : block.last], block)
        assert np.allclose(ours, filters @ rows[block.first : block.last].T)


def test_a_layout_that_is_found_holds_for_other_numbers() -> None:
    random = np.random.default_rng(2)
    filters, rows = random.random((80, 201), np.float32), random.random((50_001, 201), np.float32)
    layout = find_layout(80, 201)
    whole = filters @ rows.T
    for block in blocks(layout, len(rows)) if layout else ():
        ours = multiply(layout or Layout(1, 1), filters, rows[block.first - block.lead : block.last], block)
        assert np.array_equal(ours, whole[:, block.first : block.last])
