"""The command line: a group whose commands are imported when they are called.

Every command is one module of this package with a `command`, which gets a `SettingsLoader` as click's object:
settings are read once a command needs them, so that `--help` works whatever the environment holds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, cast

import click

from consumer.core.failures import ExitCode, FatalError
from consumer.settings import Settings
from contracts.version import __version__

SettingsLoader = Callable[[], Settings]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet."""

    summary: str
    extra: str | None = None
    """The extra of the distribution that it needs."""

    @property
    def is_installed(self) -> bool:
        """Whether the modules of its extra are there."""
        return all(find_spec(name) for name in _EXTRAS[self.extra]) if self.extra else True


_EXTRAS: Final = {
    "worker": ("faster_whisper", "av", "numpy", "aiohttp"),
    "demo": ("faster_whisper", "av", "numpy", "aiohttp", "moto", "flask", "confluent_kafka"),
}
"""Top-level modules by which an extra is recognised, without importing them."""

COMMANDS: Final = {
    "demo": Entry("Show the whole path on this machine with an embedded store and broker.", "demo"),
    "submit": Entry("Upload media, publish requests and, with --wait, print the transcripts."),
    "topics": Entry("Create or check the topics on the broker."),
    "transcribe": Entry("Transcribe files on this machine, without broker and store.", "worker"),
    "worker": Entry("Run a worker until SIGTERM.", "worker"),
}


class LazyGroup(click.Group):
    """Imports the module of a command when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every name in `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Imports a command.

        Raises:
            FatalError: the extra that it needs is not installed.
        """
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if not entry.is_installed:
            message = f"'steno {cmd_name}' needs an extra; install it with: pip install 'steno[{entry.extra}]'"
            raise FatalError(ExitCode.UNAVAILABLE, message)
        return cast("click.Command", importlib.import_module(f"{__name__}.{cmd_name}").command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="steno", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Print a traceback when a defect of steno ends the command.")
def steno(debug: bool) -> None:  # noqa: FBT001 - a flag; `consumer.cli.ending` reads it
    """Turns speech in object storage into transcripts."""
