"""How long a fetch may take, and how often it may go on after a cut: by what came, not by the object's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from consumer.adapters.s3_store.client import Limits


@dataclass(slots=True)
class Pace:
    """Puts the deadline off with each stretch of bytes, and grants the cuts of a stretch.

    A limit by size would let a store that drips hold a job for hours. Cuts counted over the whole object would never
    let a large one through a link that breaks now and then.
    """

    limits: Limits
    put_off: Callable[[], None]
    """Gives the fetch another `call_s` from now on."""
    missing_bytes: int = field(init=False)
    """Of this stretch."""
    resumes_left: int = field(init=False)

    def __post_init__(self) -> None:
        """Begins the first stretch; its deadline runs already."""
        self._begin()

    def advance(self, size_bytes: int) -> None:
        """So many bytes have come."""
        self.missing_bytes -= size_bytes
        if self.missing_bytes <= 0:
            self._begin()
            self.put_off()

    def may_resume(self) -> bool:
        """Whether to go on after a cut; counts it."""
        self.resumes_left -= 1
        return self.resumes_left >= 0

    def _begin(self) -> None:
        self.missing_bytes = self.limits.stretch_bytes
        self.resumes_left = self.limits.resumes
