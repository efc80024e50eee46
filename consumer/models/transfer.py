"""How many bytes of a file have come, heard of through `huggingface_hub`, which knows progress bars only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self


class Transfer:
    """One file on its way: its bytes are told as they come."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        """Tells how many bytes are there, whenever some have come; what that raises ends the transfer."""
        self._on_bytes = on_bytes
        self._done = 0

    def begin(self, there: int) -> None:
        """Bytes that are there already."""
        self._done = there
        self._on_bytes(there)

    def add(self, more: float) -> None:
        """More bytes; fewer than none where the server begins anew."""
        self._done += int(more)
        self._on_bytes(self._done)

    def as_bar(self) -> type[Any]:
        """A class that `huggingface_hub` takes for one of tqdm's."""
        transfer = self

        class Bar:
            def __init__(self, **_: object) -> None:
                pass

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def update(self, more: float = 1) -> None:
                transfer.add(more)

        return Bar
