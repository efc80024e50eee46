"""What one decoding may cost and yield."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits on one file; both sides of the decoder know them."""

    max_duration_s: float
    """Longer audio is refused."""
    timeout_s: float
    """Wall-clock time, and CPU time on top of it for a decoder that nobody watches any more."""
    memory_bytes: int
    """Address space on top of what the decoder has when it starts; samples do not count."""
    min_duration_s: float = 0.1
    """Shorter audio is refused."""
