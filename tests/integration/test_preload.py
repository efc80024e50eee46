"""What a worker's start fetches of the models that its settings name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from consumer import parts
from consumer.models.hub import Hub
from consumer.settings import EngineSettings, ModelSettings, Settings
from tests.stack.hub import StandIn


@pytest.fixture
def settings(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """`small` is to be preloaded from the stand-in hub."""
    # HF_ENDPOINT was read long ago, when its library was imported.
    monkeypatch.setattr("consumer.models.fetching.Hub", partial(Hub, hub.url))
    return Settings(engine=EngineSettings(model="tiny.en"), models=ModelSettings(dir=tmp_path, preload=("small",)))


def forced(settings: Settings, **changes: object) -> Settings:
    models = settings.models.model_copy(update={"preload_force": True, **changes})
    return settings.model_copy(update={"models": models})


async def test_what_is_here_and_whole_is_not_fetched_again(settings: Settings, hub: StandIn, tmp_path: Path) -> None:
    await parts.preload(settings)
    assert (tmp_path / "small" / "steno.json").exists()
    hub.asked.clear()
    await parts.preload(settings)
    assert hub.asked == []


async def test_force_fetches_it_anew(settings: Settings, hub: StandIn) -> None:
    await parts.preload(settings)
    hub.asked.clear()
    await parts.preload(forced(settings))
    assert "model.bin" in "".join(hub.downloads)


async def test_what_the_engine_fetches_is_not_fetched_twice(settings: Settings, hub: StandIn) -> None:
    await parts.preload(forced(settings, preload=("small", "small"), allowed=("small",)))
    assert hub.asked == []
