"""Many requests side by side: told in the order of the inputs, and what was done is told however it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from consumer.cli.access import fatal
from consumer.cli.entries import Entry
from consumer.cli.output import Failure, Printer, Submitted
from consumer.cli.printable import on_one_line
from consumer.cli.submission import Submission
from consumer.core.failures import ExitCode
from contracts.client import ClientConfig, ClientError, StenoClient
from contracts.client.topics import partitions_of
from contracts.transcript import Transcript

_Result = Submitted | Transcript | Failure
_Work = Callable[[Entry], Coroutine[Any, Any, _Result]]


class Submitting:
    """One run of the command."""

    def __init__(self, config: ClientConfig, entries: Sequence[Entry | Failure], printer: Printer) -> None:
        """Connects to nothing yet."""
        self._config = config
        self._entries = entries
        self._printer = printer

    async def publish(self) -> ExitCode:
        """Ends when the broker has every request that can be made.

        Raises:
            FatalError: broker or store do not answer, or refuse us.
        """
        async with _client(self._config) as client:
            return await self._all(Submission(client, self._printer.bars).publish)

    async def complete(self, *, timeout_s: float) -> ExitCode:
        """Ends when every job has ended, or its time is over.

        Raises:
            FatalError: broker or store do not answer, or refuse us.
        """
        async with _client(self._config) as client, client.listening():
            submission = Submission(client, self._printer.bars)
            with self._telling_of_open(submission):
                return await self._all(lambda entry: submission.complete(entry, timeout_s=timeout_s))

    async def _all(self, work: _Work) -> ExitCode:
        tasks: dict[str, asyncio.Task[_Result]] = {}
        report = _Report(self._printer, self._entries)
        try:
            async with asyncio.TaskGroup() as group:
                with self._counting() as count:
                    for each in self._entries:
                        if isinstance(each, Entry) and each.key not in tasks:
                            tasks[each.key] = group.create_task(work(each))
                            tasks[each.key].add_done_callback(count)
                    await report.all(tasks)
        except BaseException:
            with contextlib.suppress(OSError):  # nobody reads any more
                report.rest(tasks)
            raise
        return report.code

    @contextmanager
    def _counting(self) -> Iterator[Callable[[object], None]]:
        """Something to call at each end; the display shows how many there were."""
        total, done = len({each.key for each in self._entries if isinstance(each, Entry)}), 0
        if total < 2:  # noqa: PLR2004 - one input has a line of its own
            yield lambda _: None
            return
        with self._printer.bars.adding("all inputs") as bar:
            bar.advance(0, total, "done")

            def count(_: object) -> None:
                nonlocal done
                done += 1
                bar.advance(done, total, "done")

            yield count

    @contextmanager
    def _telling_of_open(self, submission: Submission) -> Iterator[None]:
        """Says which jobs go on where the command ends before them."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                for entry in submission.open.values():
                    self._printer.bars.print(on_one_line(_goes_on(entry)), err=True)
            raise


class _Report:
    """Results in the order of the inputs, each once."""

    def __init__(self, printer: Printer, entries: Sequence[Entry | Failure]) -> None:
        self.code = ExitCode.OK
        self._printer = printer
        self._left = list(reversed(entries))

    async def all(self, tasks: Mapping[str, asyncio.Task[_Result]]) -> None:
        while self._left:
            each = self._left[-1]
            result = await asyncio.shield(tasks[each.key]) if isinstance(each, Entry) else each
            self._left.pop()
            self._tell(each, result)

    def rest(self, tasks: Mapping[str, asyncio.Task[_Result]]) -> None:
        """Tells what else is done when the command is interrupted; inputs that are not are left out."""
        for each in reversed(self._left):
            if isinstance(each, Failure):
                self._tell(each, each)
            elif (task := tasks.get(each.key)) and task.done() and not task.cancelled() and not task.exception():
                self._tell(each, task.result())

    def _tell(self, each: Entry | Failure, result: _Result) -> None:
        match result:
            case Failure():
                code = self._printer.failure(replace(result, input=_name(each)))
            case Submitted():
                code = self._printer.receipt(replace(result, input=_name(each)))
            case _:
                code = self._printer.result(_name(each), result)
        self.code = max(self.code, code)


def _goes_on(entry: Entry) -> str:
    whose = f" --tenant {entry.request.tenant}" if entry.request.tenant else ""
    follow = f"steno watch {entry.job_id}{whose} follows it, steno cancel {entry.job_id}{whose} ends it"
    return f"steno: {entry.name}: job {entry.job_id} goes on; {follow}"


def _name(each: Entry | Failure) -> str:
    return each.name if isinstance(each, Entry) else each.input


@asynccontextmanager
async def _client(config: ClientConfig) -> AsyncIterator[StenoClient]:
    """A client whose broker answers and has the topic: else nothing would be gained by uploading."""
    try:
        async with StenoClient(config) as client:
            await partitions_of(config, (config.requests_topic,))
            yield client
    except ClientError as exc:
        raise fatal(exc) from exc
