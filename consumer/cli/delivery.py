"""The flags that say what becomes of transcripts made here: printed, or written to files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from consumer.cli.inputs import NamedPath
from consumer.cli.options import split_commas, validated
from consumer.cli.suggestions import suggest_formats
from contracts.requests import Output, OutputFormat

Result = TypeVar("Result")

_FLAGS: Final = (
    click.option(
        "--format", "printed", type=click.Choice([each.value for each in OutputFormat]),
        help="Print the results in this form, whatever was named; json: the whole transcript, a line.",
    ),
    click.option("--out", type=NamedPath(file_okay=False), help="Write under this folder."),
    click.option(
        "--formats", type=split_commas, metavar="VALUE,…", shell_complete=suggest_formats,
        help=f"Files to write, of {', '.join(OutputFormat)}; all of them unless said.",
    ),
    click.option("--skip-existing", "skips", is_flag=True, help="Pass over what has all its files already."),
    click.option(
        "--overwrite", "overwrites", is_flag=True,
        help="Also replace files that are there already and not known as steno's; else their input fails.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one document an input; failures are documents, too."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeliveryFlags:
    """What the user asked for."""

    printed: OutputFormat | None
    out: Path | None
    formats: tuple[OutputFormat, ...]
    writes: bool
    """Whether a flag was given that makes sense for files only."""
    skips: bool
    overwrites: bool
    as_json: bool

    def writes_files(self, *, has_folders: bool) -> bool:
        """Whether transcripts go to files: asked for, or all too many to print."""
        return self.writes or (has_folders and self.printed is None)

    @property
    def form(self) -> OutputFormat:
        """How results are printed, or receipts for files."""
        return OutputFormat.JSON if self.as_json else self.printed or OutputFormat.TXT


def delivery_flags(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command these flags; it gets them as one valid `delivery`."""

    @functools.wraps(command)
    def collect(*context: Any, **arguments: Any) -> Result:
        given = {name: arguments.pop(name) for name in ("printed", "out", "formats", "skips", "overwrites", "as_json")}
        return command(*context, delivery=_delivery(**given), **arguments)

    return functools.reduce(lambda flagged, flag: flag(flagged), reversed(_FLAGS), collect)


def _delivery(
    *,
    printed: str | None,
    out: Path | None,
    formats: tuple[str, ...] | None,
    skips: bool,
    overwrites: bool,
    as_json: bool,
) -> DeliveryFlags:
    writes = bool(out or formats or skips or overwrites)
    if writes and printed:
        raise click.UsageError("--format prints; --out, --formats, --skip-existing and --overwrite write: choose one.")
    chosen = validated(Output, {"formats": formats}).formats
    form = OutputFormat(printed) if printed else None
    return DeliveryFlags(form, out, chosen, writes=writes, skips=skips, overwrites=overwrites, as_json=as_json)
