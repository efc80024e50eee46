"""A lazy array gives what numpy gives, and reads no more than it must."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.engine.lazy import Floats, Given, LazyArray, LazyStack

VALUES = np.arange(20, dtype=np.float32)


class Counting:
    """Remembers what was read."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []

    def read(self, first: int, last: int) -> Floats:
        self.reads.append((first, last))
        return VALUES[first:last]


def lazy(values: Floats = VALUES) -> Any:
    return LazyArray.of(Given(values), values.shape[-1], values.shape[:-1])


@given(
    cuts=st.lists(st.tuples(st.integers(-25, 25), st.integers(-25, 25)), min_size=1, max_size=4),
    padding=st.integers(0, 5),
    window=st.tuples(st.integers(-30, 90), st.integers(-30, 90)),
)
def test_cut_joined_and_padded_it_equals_the_array(
    cuts: list[tuple[int, int]], padding: int, window: tuple[int, int]
) -> None:
    expected = np.pad(np.concatenate([VALUES[first:last] for first, last in cuts]), (0, padding))
    ours = cast("Any", np.pad(cast("Any", np.concatenate([lazy()[first:last] for first, last in cuts])), (0, padding)))
    assert isinstance(ours, LazyArray)
    assert (ours.shape, ours.ndim, len(ours)) == (expected.shape, 1, len(expected))
    assert np.array_equal(np.asarray(ours), expected)
    assert np.array_equal(np.asarray(ours[window[0] : window[1]]), expected[window[0] : window[1]])


def test_nothing_is_read_before_it_is_looked_at_and_then_only_that() -> None:
    source = Counting()
    array = cast("Any", np.pad(cast("Any", LazyArray.of(source, 20)), (0, 4)))[3:22]
    assert source.reads == []
    assert np.array_equal(array.read(2, 5), VALUES[5:8])
    assert source.reads == [(5, 8)]


def test_it_joins_arrays_that_are_there_already() -> None:
    joined = np.concatenate((np.zeros(0, np.float32), lazy()[2:4]))
    assert isinstance(joined, LazyArray)
    assert np.array_equal(np.asarray(joined), VALUES[2:4])


def test_features_are_cut_padded_and_trimmed_along_time() -> None:
    values = VALUES.reshape(2, 10)
    array = lazy(values)
    assert np.array_equal(np.asarray(array[..., 1:-1]), values[..., 1:-1])
    assert np.array_equal(np.asarray(array[:, 3:5]), values[:, 3:5])
    assert np.array_equal(np.asarray(array.take(indices=range(4), axis=-1)), values[:, :4])
    assert np.array_equal(np.asarray(np.pad(array, [(0, 0), (0, 3)])), np.pad(values, [(0, 0), (0, 3)]))
    assert np.array_equal(np.asarray(np.concatenate([array, values], axis=1)), np.concatenate([values, values], axis=1))


def test_a_numpy_function_it_does_not_know_gets_the_values() -> None:
    expanded = np.expand_dims(lazy(), 0)
    assert isinstance(expanded, np.ndarray)
    assert np.array_equal(expanded, VALUES[np.newaxis])


def test_a_stack_computes_the_rows_that_are_asked_for() -> None:
    sources = [Counting(), Counting()]
    stack = cast("Any", np.stack([cast("Any", LazyArray.of(source, 20)) for source in sources]))
    assert isinstance(stack, LazyStack)
    assert len(stack) == 2
    assert np.array_equal(stack[1:], VALUES[np.newaxis])
    assert [source.reads for source in sources] == [[], [(0, 20)]]


@pytest.mark.parametrize(
    "misuse",
    [
        lambda array: array[3],
        lambda array: array[::2],
        lambda array: array[0, :],
        lambda array: array[1:],
        lambda array: array.take(indices=range(1, 3)),
        lambda array: np.pad(array, [(1, 0), (0, 0)]),
        lambda array: np.concatenate([array, array], axis=0),
    ],
)
def test_what_would_need_the_whole_is_a_defect_and_no_silent_copy(misuse: Any) -> None:
    with pytest.raises(TypeError):
        misuse(lazy(VALUES.reshape(2, 10)))
