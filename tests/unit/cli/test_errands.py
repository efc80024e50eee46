"""What there is to do for what the user names."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.cli.delivery import DeliveryFlags
from consumer.cli.errands import Errand, errands_for
from contracts.requests import OutputFormat


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("x.wav", "a/x.wav"):
        path = tmp_path / "f" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize("named", [("f", "f/a"), ("f/a", "f"), ("f/a/x.wav", "f")])
def test_a_file_found_twice_has_one_place_that_keeps_the_tree(tree: Path, named: tuple[str, str]) -> None:
    flags = DeliveryFlags(
        None, tree / "out", (OutputFormat.SRT,), writes=True, skips=False, overwrites=False, as_json=False
    )
    found = list(errands_for([tree / name for name in named], flags))
    places = {each.location: each.place.stem for each in found if isinstance(each, Errand) and each.place}
    assert len(found) == 3
    assert sorted(places.values()) == [tree / "out" / "a" / "x", tree / "out" / "x"]
