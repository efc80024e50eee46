"""An array whose last axis is computed when it is read: numpy calls pad, cut and join it without a copy.

faster-whisper handles audio and features of a whole file as arrays and looks at thirty seconds at a time. Given
these instead it runs unchanged and holds no file as floats. Imported in the engine process only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Source(Protocol):
    """Where values come from."""

    def read(self, first: int, last: int) -> Floats:
        """The positions [first, last) of the last axis, float32."""
        ...


@dataclass(frozen=True, slots=True)
class Zeros:
    """Silence, or padding."""

    lead: tuple[int, ...]

    def read(self, first: int, last: int) -> Floats:
        """Zeros."""
        return np.zeros((*self.lead, last - first), np.float32)


@dataclass(frozen=True, slots=True)
class Given:
    """An array that is there already, and small."""

    values: Floats

    def read(self, first: int, last: int) -> Floats:
        """A view."""
        return self.values[..., first:last]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a source."""

    source: Source
    first: int
    last: int

    @property
    def length(self) -> int:
        """Positions."""
        return self.last - self.first


class LazyArray:
    """float32, shape (*lead, length); a slice of the last axis is lazy again.

    numpy functions other than those at the end of this module get the values.
    """

    dtype: Final = np.dtype(np.float32)

    def __init__(self, lead: tuple[int, ...], parts: Sequence[Part]) -> None:
        """Joins the parts along the last axis."""
        self.lead = lead
        self.parts = tuple(part for part in parts if part.length)
        self.shape = (*lead, sum(part.length for part in self.parts))
        self.ndim = len(self.shape)

    @classmethod
    def of(cls, source: Source, length: int, lead: tuple[int, ...] = ()) -> Self:
        """The whole of a source."""
        return cls(lead, (Part(source, 0, length),))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> LazyArray:
        """The last axis by a slice without a step; all other axes whole."""
        last = index[-1] if isinstance(index, tuple) else index
        rest = index[:-1] if isinstance(index, tuple) else (slice(None),) * (self.ndim - 1)
        if not isinstance(last, slice) or any(each not in (slice(None), Ellipsis) for each in rest):
            raise TypeError(f"a lazy array is cut along its last axis only, not by {index!r}")
        first, stop, step = last.indices(self.shape[-1])
        if step != 1 or (not isinstance(index, tuple) and self.ndim > 1):
            raise TypeError(f"a lazy array is cut along its last axis only, not by {index!r}")
        return self._cut(first, max(first, stop))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:  # noqa: FBT001 - numpy's protocol
        """Computes all of it."""
        values = [part.source.read(part.first, part.last) for part in self.parts]
        whole = values[0] if len(values) == 1 else np.concatenate([self._empty(), *values], axis=-1)
        return whole if dtype is None else whole.astype(dtype)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        lazily = _LAZILY.get(function)
        if lazily is not None:
            return lazily(*args, **kwargs)
        return function(*(np.asarray(arg) if isinstance(arg, LazyArray) else arg for arg in args), **kwargs)

    def take(self, indices: range, axis: int = -1) -> LazyArray:
        """The positions of a range from zero: all that faster-whisper's trimming asks for."""
        if axis != -1 or indices.start or indices.step != 1:
            raise TypeError("a lazy array is trimmed at its end only")
        return self._cut(0, indices.stop)

    def read(self, first: int, last: int) -> Floats:
        """The positions [first, last) of the last axis."""
        return np.asarray(self._cut(first, last))

    def _cut(self, first: int, last: int) -> LazyArray:
        parts, start = [], 0
        for part in self.parts:
            low, high = max(first - start, 0), min(last - start, part.length)
            if low < high:
                parts.append(Part(part.source, part.first + low, part.first + high))
            start += part.length
            if start >= last:
                break
        return LazyArray(self.lead, parts)

    def _empty(self) -> Floats:
        return np.zeros((*self.lead, 0), np.float32)

    @staticmethod
    def _join(arrays: Sequence[LazyArray | Floats], axis: int = 0) -> LazyArray:
        first = next(array for array in arrays if isinstance(array, LazyArray))
        if axis not in (-1, first.ndim - 1):
            raise TypeError("lazy arrays are joined along their last axis only")
        parts: list[Part] = []
        for array in arrays:
            parts += array.parts if isinstance(array, LazyArray) else [Part(Given(array), 0, array.shape[-1])]
        return LazyArray(first.lead, parts)

    @staticmethod
    def _pad(array: LazyArray, widths: Any) -> LazyArray:
        *others, (before, after) = np.broadcast_to(widths, (array.ndim, 2)).tolist()
        if before or any(any(pair) for pair in others):
            raise TypeError("a lazy array is padded at its end only")
        return LazyArray(array.lead, (*array.parts, Part(Zeros(array.lead), 0, after)))


class LazyStack:
    """Lazy arrays of one shape as the rows of a new first axis; a slice of rows is computed at once."""

    def __init__(self, rows: Sequence[LazyArray]) -> None:
        """Borrows the rows."""
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice) -> Floats:
        """The values of some rows, shape (n, *shape of a row)."""
        return np.stack([np.asarray(row) for row in self._rows[rows]])


_LAZILY: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    np.concatenate: LazyArray._join,  # noqa: SLF001 - its own class
    np.pad: LazyArray._pad,  # noqa: SLF001 - its own class
    np.stack: LazyStack,
}
