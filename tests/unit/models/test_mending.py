"""A lost record is written again, for weights that are known and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.models.mending import mend_record
from tests.unit.models.test_integrity import FILES, make_folder


@pytest.mark.parametrize("name", ["base", "small", "own", "gone", "./own", ""])
def test_what_is_not_known_by_its_hashes_gets_no_record(tmp_path: Path, name: str) -> None:
    for folder in ("base", "small", "own"):  # a base by its name alone
        make_folder(tmp_path / folder, *FILES)
    mend_record(name, tmp_path)
    assert list(tmp_path.rglob("steno.json")) == []
