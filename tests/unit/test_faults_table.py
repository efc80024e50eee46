"""The table of faults in README.md is the one that was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.faults import table
from tests.bench.faults.__main__ import chosen
from tests.bench.faults.catalogue import FAULTS
from tests.bench.faults.ledger import Row
from tests.bench.faults.table import Figures

ROW = Row("a", "a | fault", 2, 2, 0, 0, 3, 1, 2, 1, 0.5, None, 1.25, 9.0)
BROKEN = Row("b", "b", 2, 1, 0, 0, 1, 0, 1, 1, None, None, None, 9.0, ["lost: 1 (x)"])


def test_readme_has_the_figures_that_are_kept() -> None:
    readme = table.README.read_text("utf-8")
    assert table.with_table(readme, table.read()) == readme, "run 'make faults'"


def test_every_row_that_is_kept_is_of_a_fault_that_there_is_and_held() -> None:
    rows = table.read().rows
    assert [row.fault for row in rows] == [fault.name for fault in FAULTS if fault.name in {row.fault for row in rows}]
    assert [row.fault for row in rows if not row.holds] == []


def test_a_row_says_by_itself_whether_it_held() -> None:
    lines = table.render(Figures("a machine", [ROW, BROKEN])).splitlines()
    assert lines[0] == "Taken on a machine."
    assert lines[-2] == r"| a \| fault | 2 | 2 | 0 | 0 | 3 | 1 | 2 | 1 | 0.5 | 1.2 | yes |"
    assert lines[-1] == "| b | 2 | 1 | 0 | 0 | 1 | 0 | 1 | 1 |  |  | no: lost: 1 (x) |"


def test_table_replaces_what_stands_between_its_markers() -> None:
    readme = f"# a\n{table.BEGIN}\nyesterday\n{table.END}\nb\n"
    written = table.with_table(readme, Figures("a machine", [ROW]))
    assert "yesterday" not in written
    assert written.startswith("# a\n")
    assert written.endswith("\nb\n")


def test_readme_without_a_place_for_the_table_is_told() -> None:
    with pytest.raises(SystemExit, match="faults:begin"):
        table.with_table("# a\n", Figures("", []))


def test_new_rows_take_the_place_of_kept_ones_and_those_of_no_fault_are_left_out(tmp_path: Path) -> None:
    assert table.read(tmp_path / "none.json").rows == ()
    kept = Figures("old", [BROKEN, Row(**{**vars(ROW), "fault": "gone"})])
    new = table.merged(kept, Figures("new", [ROW]), ["a", "b"])
    assert new == Figures("new", [ROW, BROKEN])


def test_faults_are_chosen_by_name_in_the_order_of_the_table() -> None:
    assert [fault.name for fault in chosen("worker-killed, none")] == ["none", "worker-killed"]
    assert chosen("") == list(FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    with pytest.raises(SystemExit, match="no such fault: nothing; there are none, "):
        chosen("nothing")
