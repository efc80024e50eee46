"""`steno transcribe`: files and folders of this machine to transcripts, printed or written."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from consumer.app import open_transcriber
from consumer.cli import SettingsLoader
from consumer.cli.bars import Bar, Bars
from consumer.cli.delivery import DeliveryFlags, delivery_flags
from consumer.cli.errands import Errand, errands_for
from consumer.cli.inputs import NamedPath
from consumer.cli.options import request_options
from consumer.cli.output import Failure, Printer, Written
from consumer.core.failures import ExitCode, JobError
from consumer.local import LocalTranscriber
from consumer.settings import LogLevel, Settings
from contracts.requests import Options
from contracts.transcript import Transcript

_MEGABYTE: Final = 1e6
_Result = Transcript | Written | Failure


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=NamedPath(), metavar="FILE|FOLDER…")
@request_options
@delivery_flags
@click.pass_obj
def command(
    load_settings: SettingsLoader, inputs: Sequence[Path], options: Options, delivery: DeliveryFlags
) -> ExitCode:
    """Transcribes each FILE, and all media in each FOLDER, with the decoder and the engine of a worker.

    Files are printed. With a FOLDER, --out, --formats, --skip-existing or --overwrite they are written instead:
    beside the media (talk.mp3 gives talk.srt and so on, or talk.mp3.srt where there is a talk.wav, too) or under
    --out in the same tree. Files of an earlier run are replaced where a transcript of the same input (talk.json)
    is among them; others only with --overwrite, else that input fails and they stay as they are.

    Needs neither broker nor store. Model and device come from the settings (STENO_ENGINE__MODEL and so on); --model
    takes another one. Exit code 1 when an input failed; the others are done.
    """
    if sys.stdout is None:  # as in `steno transcribe … >&-`
        raise click.UsageError("standard output is closed: send it to /dev/null if nobody is to read it.")
    settings = _as_debugged(_with_model(load_settings(), options.model))
    errands = list(errands_for(inputs, delivery))
    with Bars() as bars:
        printer = Printer.of(bars, errands, delivery.form)
        run = _Run(settings, options.model_copy(update={"model": None}), printer, skips=delivery.skips)
        return asyncio.run(run.all(errands))


def _with_model(settings: Settings, model: str | None) -> Settings:
    """The settings with the model that the options ask for, and no other."""
    engine = settings.engine.model_copy(update={"model": model or settings.engine.model})
    models = settings.models.model_copy(update={"allowed": ()})
    return settings.model_copy(update={"engine": engine, "models": models})


def _as_debugged(settings: Settings) -> Settings:
    """The settings, with log lines where `steno --debug` was called."""
    if not click.get_current_context().find_root().params.get("debug"):
        return settings
    return settings.model_copy(update={"log": settings.log.model_copy(update={"level": LogLevel.DEBUG})})


class _Run:
    """One run of the command."""

    def __init__(self, settings: Settings, options: Options, printer: Printer, *, skips: bool) -> None:
        self._settings = settings
        self._options = options
        self._printer = printer
        self._skips = skips

    async def all(self, errands: Sequence[Errand | Failure]) -> ExitCode:
        async with AsyncExitStack() as stack:
            work: _Work | None = None
            if any(map(self._is_open, errands)):
                work = _Work(await self._open(stack), self._options, self._printer.bars)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            once: dict[str, asyncio.Task[_Result]] = {}
            for each in errands:
                if isinstance(each, Errand) and each.location not in once:
                    once[each.location] = group.create_task(self._result(each, work))
            return await self._report(errands, once)

    async def _report(
        self, errands: Sequence[Errand | Failure], tasks: Mapping[str, asyncio.Task[_Result]]
    ) -> ExitCode:
        code = ExitCode.OK
        with self._printer.bars.adding("all files") if len(errands) > 1 else nullcontext() as overall:
            for number, each in enumerate(errands):
                if overall:
                    overall.advance(number, len(errands), "files")
                result = each if isinstance(each, Failure) else _named(await tasks[each.location], each.input)
                code = max(code, self._printer.result(each.input, result))
        return code

    async def _result(self, errand: Errand, work: _Work | None) -> _Result:
        return await work.take(errand) if work and self._is_open(errand) else errand.receipt(None)

    def _is_open(self, errand: Errand | Failure) -> bool:
        return isinstance(errand, Errand) and not (self._skips and errand.is_done)

    async def _open(self, stack: AsyncExitStack) -> LocalTranscriber:
        with self._printer.bars.adding(f"loading {self._settings.engine.model}") as bar:
            transcriber = await stack.enter_async_context(open_transcriber(self._settings, _fetching(bar)))
        if transcriber.notice:
            self._printer.bars.print(f"steno: {transcriber.notice}", err=True)
        return transcriber


class _Work:
    """Files on their way through one transcriber."""

    def __init__(self, transcriber: LocalTranscriber, options: Options, bars: Bars) -> None:
        self._transcriber = transcriber
        self._options = options
        self._bars = bars
        self._gate = asyncio.Semaphore(transcriber.at_once)

    async def take(self, errand: Errand) -> _Result:
        async with self._gate:
            if failure := await asyncio.to_thread(errand.prepare):
                return failure
            with self._bars.adding(errand.media.name) as bar:
                try:
                    transcript = await self._transcriber.transcribe(errand.media, self._options, bar.advance)
                except JobError as error:
                    return Failure(str(errand.media), error.code, error.message)
            return await asyncio.to_thread(errand.deliver, transcript)


def _named(result: _Result, name: str) -> _Result:
    """The result of a file under the name by which it was called this time."""
    return result if isinstance(result, Transcript) else replace(result, input=name)


def _fetching(bar: Bar) -> Callable[[int, int], None]:
    return lambda done, total: bar.advance(done / _MEGABYTE, total / _MEGABYTE, "MB")
