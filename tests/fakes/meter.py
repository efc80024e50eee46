"""A meter that remembers."""

from __future__ import annotations

from consumer.ports.metering import JobEnd


class FakeMeter:
    """Keeps what it is told. Implements `ports.metering.Meter`."""

    def __init__(self) -> None:
        self.ends: list[JobEnd] = []

    def settled(self, end: JobEnd) -> None:
        self.ends.append(end)
