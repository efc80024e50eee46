"""One membership in the group, from joining to leaving: an aiokafka consumer and the tasks that keep it alive.

Three parties share the inbox and its ledger, all on one event loop. The poll task polls always, also while nothing is
wanted: that is what keeps membership. The claim does whatever needs the group's coordinator: commits, and finding
out where a new assignment begins. The worker's calls change the ledger at once and wake them, so that neither waits.

While the inbox is full, the polls leave every partition out and pause none: a partition that is paused loses what
was fetched of it, and one that is resumed waits for the fetch under way on its broker. Paused are only partitions of
retry topics whose next record is not due yet; topics are read in turn, so that no backlog holds up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from consumer.adapters.kafka.claim import Claim
from consumer.adapters.kafka.closing import close_consumer, end_tasks
from consumer.adapters.kafka.consumer import SourceConfig, make_consumer, make_record
from consumer.adapters.kafka.door import Door
from consumer.adapters.kafka.errors import StalledError
from consumer.adapters.kafka.inbox import Inbox
from consumer.adapters.kafka.pulse import Pulse
from consumer.adapters.kafka.waits import Waits
from consumer.core.offsets import OffsetLedger
from consumer.core.vitals import Signs, Vitals

_Batches = Mapping[TopicPartition, list[ConsumerRecord]]

log = structlog.get_logger(__name__)

_POLL_MS: Final = 1000
_NOWHERE: Final = TopicPartition("", -1)
"""A poll of this partition alone is a sign of life that brings nothing and lets nothing go."""
_FRESH_S: Final = 5.0
_RETRY_S: Final = 0.5
_START_S: Final = 90.0
_POLL_END_S: Final = 10.0


class Member:
    """Reads into an inbox and commits what its ledger says. Use it once; the next one goes on where it ended."""

    def __init__(self, config: SourceConfig, inbox: Inbox, ledger: OffsetLedger) -> None:
        """Connects to nothing yet."""
        self._config = config
        self._inbox = inbox
        self._consumer = make_consumer(config)
        self._claim = Claim(self._consumer, ledger, self._placed)
        self._pulse = Pulse(self._consumer, config.look_s, lambda: self._is_idle)
        self._waits = Waits(config.delays_ms, self.steer)
        self._served: set[TopicPartition] = set()
        self._last_poll_s = 0.0
        self._polls = 0
        self._is_idle = False
        self._has_room = asyncio.Event()
        self._is_closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._polling: asyncio.Task[None] | None = None
        self._end: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Joins the group and begins to poll; when it fails it is closed.

        Raises:
            KafkaError: the broker refuses us.
            OSError: it does not answer, and so for TimeoutError.
        """
        self._consumer.subscribe(self._config.topics, listener=self._claim)
        self._run(self._claim.keep())
        try:
            async with asyncio.timeout(_START_S):
                await self._consumer.start()
        except BaseException:
            await self.close()
            raise
        self._last_poll_s = time.monotonic()
        self._polling = self._run(self._poll())
        self._run(self._pulse.beat())
        self._run(self._watch())

    async def close(self) -> None:
        """Leaves the group; each step is bounded, nothing is raised."""
        self._is_closing = True
        self._has_room.set()
        for task in self._tasks:
            if task is not self._polling:
                task.cancel()
        self._claim.give_up()
        self._waits.forget()
        await close_consumer(self._consumer)
        if self._polling:
            await asyncio.wait({self._polling}, timeout=_POLL_END_S)
        await end_tasks(self._tasks)

    @property
    def is_ready(self) -> bool:
        """Whether the group is joined, the last poll is fresh and the broker answers."""
        is_fresh = time.monotonic() - self._last_poll_s < _FRESH_S
        return self._claim.is_placed and self._pulse.is_fresh and is_fresh and not self._end.done()

    async def ended(self) -> BaseException:
        """Waits until it cannot go on; says why. May be cancelled."""
        return await asyncio.shield(self._end)

    def commit_soon(self) -> None:
        """Has what is due committed."""
        self._claim.wake()

    async def flush(self) -> None:
        """Has what was settled committed, and waits for the attempt."""
        await self._claim.flush()

    def steer(self) -> None:
        """Reads on, or not, as the inbox has room; takes effect at once."""
        if self._inbox.room > 0:
            self._has_room.set()
        if self._claim.is_placed and not self._inbox.is_stopped:
            self._consumer.resume(*(self._consumer.paused() - self._waits.partitions))
        else:
            self._consumer.pause(*(self._consumer.assignment() - self._consumer.paused()))

    async def _poll(self) -> None:
        # Never cancelled and never under wait_for: that would switch aiokafka's poll watchdog off for good.
        while not self._is_closing:
            try:
                batches = await self._next_batches()
            except ConsumerStoppedError:
                return
            except KafkaError as exc:
                if not exc.retriable:
                    raise
                log.warning("poll_failed", error=type(exc).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            self._polls += 1
            self._last_poll_s = time.monotonic()
            for partition, records in batches.items():
                self._accept(partition, records)

    async def _next_batches(self) -> _Batches:
        batches: _Batches
        if self._inbox.room:
            batches = await self._next_in_turn()
            self._is_idle = not batches
            return batches
        self._is_idle = False
        self._has_room.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_MS / 1000):
                await self._has_room.wait()
        batches = await self._consumer.getmany(_NOWHERE)
        return batches

    async def _next_in_turn(self) -> _Batches:
        """One record of a partition that had none in this round; when there is none, of whichever comes first.

        Left to itself, aiokafka hands out what it fetched of one partition to the end, thousands of jobs, before it
        looks at the next: retries that are due and the jobs of a worker that died would wait behind all of them.
        """
        batches: _Batches = {}
        if waiting := self._consumer.assignment() - self._consumer.paused() - self._served:
            batches = await self._consumer.getmany(*waiting, max_records=1)
        if not batches:
            self._served.clear()
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=1)
        self._served.update(batches)
        return batches

    def _accept(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        if not self._claim.is_placed:
            # Fetched before we could pause. The ledger does not know the partition yet; fetch them again later.
            self._consumer.seek(partition, records[0].offset)
            return
        for record in map(make_record, records):
            if self._waits.holds(record):
                self._consumer.seek(partition, record.offset)
                self._consumer.pause(partition)
                break
            self._inbox.put(record)
        self.steer()

    def _placed(self) -> None:
        self._inbox.drop_lost()
        self._waits.forget()
        self.steer()

    async def _watch(self) -> None:
        vitals, door = Vitals(), Door(self._config)
        while True:
            await asyncio.sleep(self._config.look_s)
            pulse = self._pulse
            if trouble := vitals.look(Signs(self._polls, pulse.answers, self._claim.is_placed, pulse.behind)):
                raise StalledError(trouble)
            if pulse.is_fresh:
                door.forget()
            else:
                await door.look()

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None or self._end.done():
            return
        self._end.set_result(error)
        self._claim.give_up()
