"""`steno config`: what the settings come to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

import click

from consumer import allotment
from consumer.cli import SettingsLoader
from consumer.cli.effective import Effective, effective, notices, of_libraries
from consumer.core.failures import ExitCode, FatalError
from consumer.doctor.findings import counted
from consumer.doctor.sizes import as_text
from consumer.dotfile import read_values
from consumer.engine.threads import choose_threads
from consumer.environment import origins
from consumer.settings import EngineSettings

_WIDEST: Final = 60
"""Beyond so many letters a value pushes its origin aside instead of that of every other."""


@dataclass(frozen=True, slots=True)
class Use:
    """What the engine makes of a device's cores."""

    device: str
    cores: int
    slots: int
    cpu_threads: int


@dataclass(frozen=True, slots=True)
class Share:
    """What this process may use of its machine; less than all of it in a container with limits."""

    cores: int
    seen_cores: int
    memory_bytes: int
    is_memory_limited: bool

    @classmethod
    def here(cls) -> Self:
        """As of now."""
        limit = allotment.memory_limit_bytes()
        whole = allotment.memory_bytes()
        return cls(allotment.cores(), allotment.seen_cores(), whole, limit == whole)

    @property
    def line(self) -> str:
        """One line for a person."""
        whole = f" of {self.seen_cores}, by a CPU quota" if self.cores < self.seen_cores else ""
        limit = ", a limit of the container or service" if self.is_memory_limited else ""
        return f"machine: {counted(self.cores, 'core')}{whole}; {as_text(self.memory_bytes)} of memory{limit}"


@dataclass(frozen=True, slots=True)
class Found:
    """What the settings come to."""

    settings: tuple[Effective, ...]
    libraries: tuple[Effective, ...]
    """What AWS's, the hub's and OpenTelemetry's libraries read for themselves."""
    engine: tuple[Use, ...]
    machine: Share
    notices: tuple[str, ...]
    """What looks like a setting and is none."""


@click.group(no_args_is_help=False)
def command() -> None:
    """Checks the settings and shows what they come to."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@click.pass_obj
def check(load_settings: SettingsLoader, *, as_json: bool) -> ExitCode:
    """Shows every setting in force, where it comes from, and the jobs and threads that the engine will run.

    Secrets are masked. Topics and prefixes that follow from others are shown as derived.
    Exit code 78 and one line for each faulty variable when a worker would not start. Connects to nothing.
    """
    try:
        settings = load_settings()
    except FatalError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"is_valid": False, "faults": error.message.splitlines()}, ensure_ascii=False))
        return error.exit_code
    found = Found(
        settings=tuple(effective(settings, origins())),
        libraries=tuple(of_libraries(os.environ)),
        engine=tuple(uses_of(settings.engine, allotment.cores())),
        machine=Share.here(),
        notices=tuple(notices(os.environ, read_values())),
    )
    if as_json:
        click.echo(json.dumps({"is_valid": True, **asdict(found)}, ensure_ascii=False))
    else:
        _print(found)
    return ExitCode.OK


def uses_of(engine: EngineSettings, cores: int) -> Iterator[Use]:
    """What the engine makes of so many cores, for each device that the settings leave open."""
    devices = ("cuda", "cpu") if engine.device == "auto" else (engine.device.partition(":")[0],)
    for device in devices:
        threads = choose_threads(cores, engine.slots, engine.cpu_threads, device)
        yield Use(device, cores, threads.slots, threads.cpu_threads)


def _print(found: Found) -> None:
    _print_table(found.settings)
    if found.libraries:
        click.echo("\nread by libraries:")
        _print_table(found.libraries)
    click.echo(f"\n{found.machine.line}")
    for use in found.engine:
        where = "a GPU, if there is one" if use.device == "cuda" and len(found.engine) > 1 else use.device
        click.echo(f"engine on {where}: {use.slots} at once, {use.cpu_threads} of {use.cores} CPU threads each")
    for notice in found.notices:
        click.echo(f"steno: {notice}", err=True)


def _print_table(rows: Sequence[Effective]) -> None:
    width = max(len(row.variable) for row in rows)
    texts = [_text(row.value) for row in rows]
    value_width = min(max(map(len, texts)), _WIDEST)
    for row, text in zip(rows, texts, strict=True):
        click.echo(f"{row.variable:{width}}  {text:{value_width}}  {row.origin}")


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, value)) or "-"
    return str(value) if value != "" else "-"
