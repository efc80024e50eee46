"""Which rights Landlock takes."""

from __future__ import annotations

import ctypes

import pytest

from consumer.media.landlock import RulesetAttributes, attributes_size, rights


@pytest.mark.parametrize(
    ("abi", "file_rights", "tcp_rights", "scopes"),
    [
        (1, (1 << 13) - 1, 0, 0),
        (2, (1 << 14) - 1, 0, 0),
        (3, (1 << 15) - 1, 0, 0),
        (4, (1 << 15) - 1, 3, 0),
        (5, (1 << 16) - 1, 3, 0),
        (6, (1 << 16) - 1, 3, 3),
        (7, (1 << 16) - 1, 3, 3),
    ],
)
def test_every_right_is_taken_that_a_version_knows(abi: int, file_rights: int, tcp_rights: int, scopes: int) -> None:
    assert rights(abi) == (file_rights, tcp_rights, scopes)


@pytest.mark.parametrize(("abi", "size"), [(1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (7, 24)])
def test_no_more_is_passed_than_a_version_takes(abi: int, size: int) -> None:
    assert attributes_size(abi) == size
    assert size <= ctypes.sizeof(RulesetAttributes)
