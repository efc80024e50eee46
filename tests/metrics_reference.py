"""The metrics as README.md shows them: `python -m tests.metrics_reference [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from consumer.adapters.metrics import METRICS

README: Final = Path(__file__).parent.parent / "README.md"
BEGIN: Final = "<!-- metrics:begin (make generate) -->"
END: Final = "<!-- metrics:end -->"


def render_table() -> str:
    """The metrics as a table in Markdown."""
    rows = ["| metric | labels | meaning |", "|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` ({metric.type}) | {labels} | {metric.meaning} |")
    return "\n".join(rows)


def with_table(readme: str) -> str:
    """README.md with the table of today between its markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"README.md has no place for the metrics: add the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n{render_table()}\n{END}{after}"


def main() -> int:
    """Writes the table, or with `--check` says whether it is stale; returns the exit code."""
    readme = README.read_text("utf-8")
    wanted = with_table(readme)
    if readme == wanted:
        return 0
    if "--check" in sys.argv[1:]:
        sys.stderr.write("README.md is stale: run 'make generate'\n")
        return 1
    README.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
