"""An order from its survey to its end."""

from __future__ import annotations

import asyncio
import getpass
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from signal import SIGINT, SIGTERM

from consumer.adapters.kafka.browser import TopicExtent
from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.topics import require_topics
from consumer.adapters.s3_store import probe_conditional_writes
from consumer.core.desk.orders import Order
from consumer.core.desk.reports import Report
from consumer.core.desk.selection import Selection
from consumer.core.failures import ExitCode, FatalError
from consumer.desk.opening import Desk, DeskConfig, open_desk
from consumer.desk.originals import Originals
from consumer.desk.pace import Pace
from consumer.desk.plans import Plan
from consumer.desk.runs import Run, Signature


@dataclass(frozen=True, slots=True)
class Survey:
    """What an order would come to, and of what."""

    report: Report
    extent: TopicExtent
    """The topic as it was then: what comes later is not done."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One order over a selection."""

    config: DeskConfig
    order: Order
    selection: Selection

    async def survey(self) -> Survey:
        """Looks what it comes to, and whether the topics of the copies are there; does nothing.

        Raises:
            FatalError: broker or store do not answer or refuse us, or a topic is missing.
        """
        async with open_desk(self.config) as desk, self._plan(desk, desk.extent) as plan:
            report = await plan.survey()
        if report.topics:
            wanted = dict.fromkeys(report.topics, Right.WRITE)
            await require_topics(self.config.bootstrap_servers, wanted, self.config.security)
        return Survey(report, desk.extent)

    async def carry_out(
        self, survey: Survey, report: Callable[[Report], None], *, rate_per_s: float | None,
        on_done: Callable[[int], None],
    ) -> bool:  # fmt: skip
        """Does it; False when Ctrl-C ended it before its end.

        Args:
            survey: what is done, and no more.
            report: hears what was done, however it ends.
            rate_per_s: most copies sent in a second.
            on_done: hears how many were done so far.

        Raises:
            FatalError: as `survey`, or the store keeps no conditional writes.
        """
        by = f"{_user()}@{socket.gethostname()}"
        sink = KafkaSink(SinkConfig(self.config.bootstrap_servers, self.config.security, client_id="steno-dlq"))
        async with open_desk(self.config) as desk, self._plan(desk, survey.extent) as plan, sink:
            if desk.extent.topic_id != survey.extent.topic_id:
                raise FatalError(ExitCode.FAILED, f"{self.config.topic} was made anew meanwhile; look at it again")
            await probe_conditional_writes(desk.store, self.config.state_prefix, by)
            pace = Pace(rate_per_s)
            signature = Signature(uuid.uuid4().hex, by)
            run = Run(plan, desk.journal, sink, signature=signature, pace=pace, now=desk.now)
            try:
                with _stopped_by_signals(pace):
                    await run.do(on_done)
            finally:
                report(run.report)
        return not pace.is_stopped

    @asynccontextmanager
    async def _plan(self, desk: Desk, extent: TopicExtent) -> AsyncIterator[Plan]:
        async with Originals(self.config.bootstrap_servers, self.config.security) as originals:
            yield Plan(self.order, self.selection, desk.reading_of(extent), originals.whole, now=desk.now)


@contextmanager
def _stopped_by_signals(pace: Pace) -> Iterator[None]:
    """Ctrl-C, or SIGTERM: the first one ends the run between two records, a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if pace.is_stopped and task is not None:
            task.cancel()
        pace.stop()

    for number in (SIGINT, SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (SIGINT, SIGTERM):
            loop.remove_signal_handler(number)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "-"
