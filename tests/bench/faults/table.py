"""The table of faults: as Markdown in README.md, on a terminal, and as the file that keeps its figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from tests.bench.faults.ledger import Row
from tests.bench.faults.services import Services

ROOT: Final = Path(__file__).parents[3]
README: Final = ROOT / "README.md"
FIGURES: Final = ROOT / "tests" / "data" / "faults.json"
BEGIN: Final = "<!-- faults:begin (make faults) -->"
END: Final = "<!-- faults:end -->"
COLUMNS: Final = (
    "fault", "jobs", "completed", "failed", "dead letters", "outcome events", "repeated", "transcriptions", "strikes",
    "outcomes again, s", "jobs hit done, s", "held",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The rows, and where they were taken."""

    setting: str
    rows: Sequence[Row]


def describe(services: Services) -> str:
    """Machine and services in a sentence."""
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    machine = f"{os.cpu_count()} {platform.machine()} cores, {system}"
    python = f"Python {'.'.join(platform.python_version_tuple()[:2])}"
    return f"{machine}, {python}, {services.kafka.name} and {services.store.name} on the same machine"


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of the columns."""
    counts = (
        row.sent, row.completed, row.failed, row.dead_letters, row.outcome_events, row.repeated, row.transcriptions,
        row.strikes,
    )  # fmt: skip
    times = (row.recovery_s, row.hit_done_s)
    held = "yes" if row.holds else f"no: {'; '.join(row.did_not_hold)}"
    return (row.title, *map(str, counts), *("" if time is None else f"{time:.1f}" for time in times), held)


def render(figures: Figures) -> str:
    """What stands between the markers."""
    rule = "|---|" + "---:|" * (len(COLUMNS) - 2) + "---|"
    lines = [f"Taken on {figures.setting}.", "", f"| {' | '.join(COLUMNS)} |", rule]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells(row))} |" for row in figures.rows]
    return "\n".join(lines)


def with_table(readme: str, figures: Figures) -> str:
    """README.md with these figures between its markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"README.md has no place for the faults: add the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{render(figures)}\n{END}{after}"


def read(path: Path = FIGURES) -> Figures:
    """The figures that are kept; none where there is no file."""
    if not path.exists():
        return Figures("", ())
    document = json.loads(path.read_text("utf-8"))
    return Figures(document["setting"], [Row(**row) for row in document["rows"]])


def merged(kept: Figures, new: Figures, order: Iterable[str]) -> Figures:
    """The kept rows with the new ones in their places; rows of faults that are no more are left out."""
    rows = {row.fault: row for row in (*kept.rows, *new.rows)}
    return Figures(new.setting, [rows[name] for name in order if name in rows])


def write(figures: Figures) -> None:
    """Keeps the figures and writes the README's table."""
    document = {"setting": figures.setting, "rows": [asdict(row) for row in figures.rows]}
    FIGURES.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    README.write_text(with_table(README.read_text("utf-8"), figures), "utf-8")


def on_screen(rows: Sequence[Row]) -> Table:
    """The same for a terminal."""
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*cells(row), style="" if row.holds else "red")
    return table
