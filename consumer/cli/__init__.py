"""The command line: a group whose commands are imported when they are called.

Every command is one module of this package with a `command`, which gets a `SettingsLoader` as click's object:
settings are read once a command needs them, so that `--help` works whatever the environment holds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

import click
from click.shell_completion import CompletionItem

from consumer.core.failures import ExitCode, FatalError
from contracts.version import __version__

if TYPE_CHECKING:  # a tenth of a second, which a probe that runs all day, and a shell that completes, do without
    from consumer.settings import Settings

SettingsLoader = Callable[[], "Settings"]


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra of the distribution, recognised by top-level modules that it brings."""

    name: str
    modules: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        """Whether its modules are there; none is imported."""
        return all(find_spec(module) for module in self.modules)


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet."""

    module: str
    summary: str
    extra: Extra | None = None


WORKER: Final = Extra("worker", ("faster_whisper", "huggingface_hub", "av", "numpy", "aiohttp", "structlog"))
_DESK: Final = Extra("worker", ("structlog", "tenacity"))
_DEMO: Final = Extra("demo", (*WORKER.modules, "moto", "flask", "confluent_kafka"))

COMMANDS: Final[Mapping[str, Entry]] = {
    "cancel": Entry("consumer.cli.cancel", "Ask the workers not to run jobs, or not to go on."),
    "completion": Entry("consumer.cli.completion", "Print the script for completion in bash, zsh or fish."),
    "config": Entry("consumer.cli.config", "Check the settings and show what they come to."),
    "demo": Entry("consumer.cli.demo", "Show the whole path here, with an embedded store and broker.", _DEMO),
    "dlq": Entry("consumer.cli.dlq", "List, show, replay, park or drop dead letters.", _DESK),
    "doctor": Entry("consumer.cli.doctor", "Look whether a worker could work here, and say what to do."),
    "health": Entry("consumer.cli.health", "Ask the worker of this machine whether it takes work."),
    "jobs": Entry("consumer.cli.jobs", "List jobs by what object storage tells of them, newest first."),
    "languages": Entry("consumer.cli.languages", "List the languages that models know."),
    "models": Entry("consumer.cli.models", "List, fetch and verify model weights.", WORKER),
    "status": Entry("consumer.cli.status", "Tell how jobs are, by what object storage tells of them."),
    "submit": Entry("consumer.cli.submit", "Upload media, publish requests and print transcripts with --wait."),
    "topics": Entry("consumer.cli.topics", "Create or check the topics on the broker."),
    "transcribe": Entry("consumer.cli.transcribe", "Transcribe files here, without broker and store.", WORKER),
    "watch": Entry("consumer.cli.watch", "Follow jobs: their progress and how they end."),
    "worker": Entry("consumer.cli.worker", "Run a worker until SIGTERM.", WORKER),
}


class LazyGroup(click.Group):
    """Imports the module of a command when that command is called."""

    def __init__(self, *, entries: Mapping[str, Entry], **arguments: Any) -> None:
        """Takes the commands by name, in the order of the help page."""
        super().__init__(**arguments)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every name, in the order of the help page."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command.

        Raises:
            FatalError: the extra that it needs is not installed.
        """
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        if entry.extra and not entry.extra.is_installed:
            if ctx.resilient_parsing:  # a shell asks for completions, which has no use for our complaints
                return None
            message = f"'{cmd_name}' needs more than the base install; run: pip install 'steno[{entry.extra.name}]'"
            raise FatalError(ExitCode.UNAVAILABLE, message)
        return cast("click.Command", importlib.import_module(entry.module).command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Completes the commands without importing them, and the flags."""
        found = [(name, entry) for name, entry in self._entries.items() if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=entry.summary) for name, entry in found]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="steno", message="%(prog)s %(version)s")
@click.option(
    "--debug",
    is_flag=True,
    help="Print log lines of 'transcribe', and a traceback when a defect of steno ends any command.",
)
def steno(debug: bool) -> None:  # noqa: FBT001 - a flag; `consumer.cli.ending` reads it
    """Turns speech in object storage into transcripts."""
