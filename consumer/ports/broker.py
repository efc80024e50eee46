"""The seam to the broker: deliveries in, records out."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from consumer.core.records import Delivery, OutboundRecord


class RecordRefusedError(Exception):
    """The broker refuses this record for good (too large, say): sending it again cannot help."""


class Source(Protocol):
    """Deliveries of the requests topic, at least once.

    Opened, it is a member of the consumer group and stays one until closed, however long jobs run and
    whether or not anybody receives. Closing commits what was settled and leaves the group.
    """

    async def __aenter__(self) -> Self:
        """Joins the group.

        Raises:
            FatalError: the topic is missing, the broker does not answer or refuses us.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commits, leaves the group and closes; bounded in time, never raises."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether the group is joined and the last poll is fresh."""
        ...

    async def receive(self) -> Delivery:
        """Waits for the next delivery. May be cancelled; then nothing is lost.

        Raises:
            FatalError: this source can never deliver again.
        """
        ...

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is still ours to settle: not settled or released, and its partition not another member's."""
        ...

    def settle(self, delivery: Delivery) -> None:
        """Says that the delivery's effects are durable.

        Its commit follows soon after and never passes an unsettled delivery. Repeated, late or foreign
        settlements do nothing.
        """
        ...

    def release(self, delivery: Delivery) -> None:
        """Gives an unsettled delivery back: it will be delivered again, here or to another member."""
        ...

    def stop_intake(self) -> None:
        """Delivers nothing more from now on; stays a member so that work in flight can be settled.

        A waiting `receive` goes on waiting until it is cancelled.
        """
        ...

    async def flush(self) -> None:
        """Commits what was settled so far; returns when the broker has confirmed it or the attempt failed."""
        ...


class Sink(Protocol):
    """Publishes records."""

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            FatalError: the broker does not answer or refuses us.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flushes and closes; bounded in time, never raises."""
        ...

    async def publish(self, record: OutboundRecord) -> None:
        """Returns once all in-sync replicas have the record.

        Raises:
            OutageError: `BROKER_UNAVAILABLE`; the record may or may not have been written.
            RecordRefusedError: it will never be written.
        """
        ...
