"""The recordings that the demo transcribes; SAMPLES.tsv beside them keeps text, source and licence."""

from __future__ import annotations

import csv
from pathlib import Path

_FOLDER = Path(__file__).parent / "samples"


def recordings() -> tuple[Path, ...]:
    """Every sample, in the table's order."""
    with (_FOLDER / "SAMPLES.tsv").open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(_FOLDER / row["file"] for row in rows)
