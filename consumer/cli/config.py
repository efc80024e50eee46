"""`steno config`: what the settings come to."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from pydantic import SecretStr

from consumer.cli import SettingsLoader
from consumer.core.failures import ExitCode, FatalError
from consumer.engine.threads import choose_threads
from consumer.environment import origins, variables
from consumer.settings import EngineSettings, Settings

_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it is in force."""

    variable: str
    value: object
    """As JSON has it; a secret is masked."""
    origin: str
    """`environment`, the name of the file, or `default`."""


@dataclass(frozen=True, slots=True)
class Use:
    """What the engine makes of a device's cores."""

    device: str
    cores: int
    slots: int
    cpu_threads: int


@click.group(no_args_is_help=False)
def command() -> None:
    """Checks the settings and shows what they come to."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one document.")
@click.pass_obj
def check(load_settings: SettingsLoader, *, as_json: bool) -> ExitCode:
    """Shows every setting in force, where it comes from, and the threads that the engine will use.

    Exit code 78 and one line for each faulty variable when a worker would not start. Connects to nothing.
    """
    try:
        settings = load_settings()
    except FatalError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"is_valid": False, "faults": error.message.splitlines()}, ensure_ascii=False))
        return error.exit_code
    found, uses = list(effective(settings)), list(uses_of(settings.engine, _cores()))
    if as_json:
        document = {"is_valid": True, "settings": [asdict(each) for each in found], "engine": [*map(asdict, uses)]}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        _print(found, uses)
    return ExitCode.OK


def effective(settings: Settings) -> Iterator[Effective]:
    """Every setting, by groups, in the order of the reference."""
    known_origins = origins()
    groups = (
        (group, field) for group in Settings.model_fields for field in type(getattr(settings, group)).model_fields
    )
    for (variable, _, _), (group, field) in zip(variables(), groups, strict=True):
        value = _plain(getattr(getattr(settings, group), field))
        yield Effective(variable, value, known_origins.get(variable, _DEFAULT))


def uses_of(engine: EngineSettings, cores: int) -> Iterator[Use]:
    """What the engine makes of so many cores, for each device that the settings leave open."""
    devices = ("cuda", "cpu") if engine.device == "auto" else (engine.device.partition(":")[0],)
    for device in devices:
        threads = choose_threads(cores, engine.slots, engine.cpu_threads, device)
        yield Use(device, cores, threads.slots, threads.cpu_threads)


def _plain(value: object) -> object:
    match value:
        case SecretStr() | Path():
            return str(value)
        case tuple():
            return [_plain(item) for item in value]
    return value


def _print(found: list[Effective], uses: list[Use]) -> None:
    width = max(len(each.variable) for each in found)
    texts = [_text(each.value) for each in found]
    value_width = min(max(map(len, texts)), 60)
    for each, text in zip(found, texts, strict=True):
        click.echo(f"{each.variable:{width}}  {text:{value_width}}  {each.origin}")
    click.echo()
    for use in uses:
        where = "a GPU, if there is one" if use.device == "cuda" and len(uses) > 1 else use.device
        click.echo(f"engine on {where}: {use.slots} at once, {use.cpu_threads} of {use.cores} CPU threads each")


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, value)) or "-"
    return str(value) if value != "" else "-"


def _cores() -> int:
    """Cores that this process may use, as the engine counts them."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
