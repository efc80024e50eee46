"""`steno models`: which weights are here, fetching more, and reading them through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from consumer.adapters.telemetry import configure_logging
from consumer.cli import SettingsLoader
from consumer.cli.bars import Bar, Bars
from consumer.cli.output import Failure
from consumer.cli.suggestions import suggest_models
from consumer.core.failures import ExitCode, FatalError
from consumer.models.advice import closed
from consumer.models.download import Download
from consumer.models.hub import Hub
from consumer.models.inventory import Entry, State, all_names, is_pullable, names_in, survey
from consumer.models.mending import mend_record
from consumer.models.names import is_path, means_folder, path_here
from consumer.models.resolve import Wanted, find
from consumer.settings import LogLevel, ModelSettings

_MEGABYTE: Final = 1e6
_REVISION_CHARS: Final = 12
_STANDING: Final = {True: "*", False: " "}

_NO_NAME: Final = "no model's name: 'steno models list' has them, and a repository of the hub is owner/name"

_names = click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=suggest_models)
_json_flag = click.option("--json", "as_json", is_flag=True, help="Print one document a model.")


@click.group(no_args_is_help=False)
def command() -> None:
    """Lists, fetches and verifies model weights.

    They are looked for at a path, in the cache (STENO_MODELS__DIR), in installed packages and on the model hub
    (HF_ENDPOINT, HF_TOKEN), in this order. NAME is one of faster-whisper's, or a repository of the hub as owner/name.
    """


@command.command("list")
@_json_flag
@click.pass_obj
def list_models(load_settings: SettingsLoader, *, as_json: bool) -> None:
    """Lists every model by name: where it is and whether it is whole, or where it would come from.

    A star marks the models that the settings name. Nothing is read through: see verify.
    """
    settings = load_settings()
    configured = settings.models.names_with(settings.engine.model)
    with _told():
        entries = [survey(name, settings.models.dir) for name in all_names(settings.models.dir, configured)]
    _print(entries, configured, as_json=as_json)


@command.command()
@_names
@click.option("--all", "is_all", is_flag=True, help="Every model that the settings name.")
@click.option("--force", "is_forced", is_flag=True, help="Fetch anew what is whole.")
@click.option("--revision", metavar="REV", help="A branch, tag or commit on the hub, for a single NAME.")
@_json_flag
@click.pass_obj
def pull(
    load_settings: SettingsLoader, names: Sequence[str], revision: str | None, *,
    is_all: bool, is_forced: bool, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Fetches each NAME into the cache, and of it only what is missing; what broke off is continued.

    With --all a path in the settings is left alone. Exit code 1 when a model could not be had; the others are there
    all the same.
    """
    settings = load_settings()
    configured = settings.models.names_with(settings.engine.model) if is_all else ()
    wanted = dict.fromkeys((*names, *(name for name in configured if not is_path(name))))
    if not (names or is_all):
        raise click.UsageError("Name a model ('steno models list' has them), or say --all.")
    with _told():
        strange = [name for name in names if not is_pullable(name, settings.models.dir)]
    if strange:
        raise click.UsageError(f"'{strange[0]}' is {_NO_NAME}.")
    for name in filter(is_path, configured):
        click.echo(f"{name}: a path, used where it is", err=True)
    if revision and len(wanted) > 1:
        raise click.UsageError("--revision goes with a single NAME: each repository has its own.")
    configure_logging(as_json=False, level=LogLevel.ERROR)
    with Bars() as bars:
        pulling = _Pulling(settings.models, bars, revision, is_forced, as_json)
        return max([pulling.pull(name) for name in wanted], default=ExitCode.OK)


@command.command()
@_names
@_json_flag
@click.pass_obj
def verify(load_settings: SettingsLoader, names: Sequence[str], *, as_json: bool) -> ExitCode:
    """Reads each NAME or path through and compares hashes; without NAME every model of the cache and of the settings.

    Hashes are those recorded when a model was fetched, or known for its name. Where there are none it is 'unchecked':
    complete by layout and size. Exit code 1 when one is broken or not here; 'steno models pull' puts it right.
    """
    settings = load_settings()
    folder, configured = settings.models.dir, settings.models.names_with(settings.engine.model)
    with _told():
        strange = [name for name in names if not (means_folder(name) or is_pullable(name, folder))]
        chosen = dict.fromkeys(names or (*names_in(folder), *configured))
    if strange:
        raise click.UsageError(f"'{strange[0]}' is {_why_not(strange[0])}.")
    with _told(), Bars() as bars:
        entries = [_verified(name, folder, bars) for name in chosen]
    _print(entries, configured, as_json=as_json)
    is_bad = any(entry.state in (State.BROKEN, State.ABSENT) for entry in entries)
    return ExitCode.FAILED if is_bad else ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Pulling:
    """One run of `pull`."""

    models: ModelSettings
    bars: Bars
    revision: str | None
    is_forced: bool
    as_json: bool

    def pull(self, name: str) -> ExitCode:
        try:
            with self.bars.adding(name) as bar:
                how = None if self.models.offline else Download(Hub(), _showing(bar))
                find(Wanted(name, self.models.dir, how, self.revision, self.is_forced, is_for_others=True))
                mend_record(name, self.models.dir)
        except FatalError as error:
            failure = Failure(name, error.exit_code.name, error.message)
            self.bars.print(failure.document if self.as_json else failure.line, err=not self.as_json)
            return ExitCode.FAILED
        entry = survey(name, self.models.dir)
        self.bars.print(_document(entry) if self.as_json else _line(entry))
        return ExitCode.OK


@contextmanager
def _told() -> Iterator[None]:
    """Around what looks into the cache: one that is closed to this user is told as such."""
    try:
        yield
    except OSError as exc:
        raise FatalError(ExitCode.MODEL_UNAVAILABLE, closed(exc)) from exc


def _showing(bar: Bar) -> Callable[[str, int, int], None]:
    return lambda _, done, total: bar.advance(done / _MEGABYTE, total / _MEGABYTE, "MB")


def _why_not(name: str) -> str:
    here = path_here(name)
    return f"no model; write {here} for the folder here" if here else _NO_NAME


def _verified(name: str, folder: Path, bars: Bars) -> Entry:
    with bars.adding(f"reading {name}"):
        return survey(name, folder, is_thorough=True)


def _print(entries: Sequence[Entry], configured: Iterable[str], *, as_json: bool) -> None:
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        is_configured = entry.name in configured
        line = f"{_STANDING[is_configured]} {_line(entry, width)}"
        click.echo(_document(entry, is_configured=is_configured) if as_json else line)


def _line(entry: Entry, width: int = 0) -> str:
    size = f"{entry.size_bytes / _MEGABYTE:.0f} MB" if entry.size_bytes else "-"
    revision = f" @{entry.revision[:_REVISION_CHARS]}" if entry.revision and "==" not in entry.revision else ""
    where = " ".join(filter(None, (f"{entry.source}{revision}", entry.where or entry.revision)))
    detail = f" ({entry.detail})" if entry.detail else ""
    return f"{entry.name:{width}}  {entry.state:9}  {size:>8}  {where}{detail}"


def _document(entry: Entry, **more: object) -> str:
    return json.dumps({**asdict(entry), **more}, ensure_ascii=False)
