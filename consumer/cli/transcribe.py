"""`steno transcribe`: files of this machine to transcripts on standard output."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import click

from consumer.app import open_transcriber
from consumer.cli import SettingsLoader
from consumer.cli.bars import Bars
from consumer.cli.options import request_options
from consumer.cli.output import Failure, Printer
from consumer.core.failures import ExitCode, JobError
from consumer.local import LocalTranscriber
from consumer.settings import Settings
from contracts.requests import Options, OutputFormat
from contracts.transcript import Transcript

_AT_ONCE: Final = 2
"""Files in hand: the next one is decoded while the engine is busy."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@request_options
@click.option(
    "--format", "output_format", type=click.Choice([each.value for each in OutputFormat]),
    default=OutputFormat.TXT.value, show_default=True, help="Form of the results; json: the whole transcript, a line.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json; failures are documents, too.")
@click.pass_obj
def command(
    load_settings: SettingsLoader, files: Sequence[Path], options: Options, output_format: str, *, as_json: bool
) -> ExitCode:
    """Transcribes FILE… with the decoder and the engine of a worker, without broker and store.

    Model and device come from the settings (STENO_ENGINE__MODEL and so on); --model takes another one.
    """
    settings = _with_model(load_settings(), options.model)
    with Bars() as bars:
        printer = Printer.of(bars, files, OutputFormat.JSON if as_json else OutputFormat(output_format))
        return asyncio.run(_transcribe(settings, files, options.model_copy(update={"model": None}), printer))


def _with_model(settings: Settings, model: str | None) -> Settings:
    """The settings with the model that the options ask for."""
    if model is None:
        return settings
    return settings.model_copy(update={"engine": settings.engine.model_copy(update={"model": model})})


async def _transcribe(settings: Settings, files: Sequence[Path], options: Options, printer: Printer) -> ExitCode:
    async with AsyncExitStack() as stack:
        with printer.bars.adding(f"loading {settings.engine.model}"):
            transcriber = await stack.enter_async_context(open_transcriber(settings))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        work = _Work(transcriber, options, printer.bars)
        tasks = [group.create_task(work.take(path)) for path in files]
        code = ExitCode.OK
        for path, task in zip(files, tasks, strict=True):
            code = max(code, printer.result(path, await task))
    return code


class _Work:
    """Files on their way through one transcriber."""

    def __init__(self, transcriber: LocalTranscriber, options: Options, bars: Bars) -> None:
        self._transcriber = transcriber
        self._options = options
        self._bars = bars
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def take(self, path: Path) -> Transcript | Failure:
        async with self._gate:
            with self._bars.adding(path.name) as bar:
                try:
                    return await self._transcriber.transcribe(path, self._options, bar.advance)
                except JobError as error:
                    return Failure(str(path), error.code, error.message)
