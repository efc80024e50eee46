"""What comes from a source, and what its group has committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from consumer.ports import Delivery, Source
from tests.integration.beds import Bed
from tests.waiting import DEADLINE_S, until

QUIET_S = 0.3
"""How long nothing must come before we believe that nothing comes."""


async def receive(source: Source, count: int) -> list[Delivery]:
    """The next so many deliveries."""
    async with asyncio.timeout(DEADLINE_S):
        return [await source.receive() for _ in range(count)]


async def receive_one(source: Source) -> Delivery:
    return (await receive(source, 1))[0]


async def assert_quiet(source: Source) -> None:
    """Nothing comes for a while."""
    receiving = asyncio.create_task(source.receive())
    delivered, _ = await asyncio.wait({receiving}, timeout=QUIET_S)
    receiving.cancel()
    assert not delivered, receiving.result()


async def assert_committed(bed: Bed, offset: int, partition: int = 0) -> None:
    async def is_there() -> bool:
        return await bed.committed(partition) == offset

    await until(is_there, f"partition {partition} committed at {offset}")


def values(deliveries: Sequence[Delivery]) -> list[bytes | None]:
    return [delivery.record.value for delivery in deliveries]
