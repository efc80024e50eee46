"""What several unit tests start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.environment import load_settings, variables
from consumer.settings import Settings
from tests.loading import Load
from tests.worker_bench import Bench


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Loads settings from these variables alone, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, _, _ in variables():
        monkeypatch.delenv(name, raising=False)

    def load_with(**environment: str) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load_with


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A worker with every port a fake."""
    return Bench(tmp_path)
