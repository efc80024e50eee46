"""A hub that is cut short, lying, refusing or slow: a model is whole afterwards or not there, and the user is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.pulling import SMALL, WEIGHTS_BYTES, pull, refusal
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn


def test_a_short_break_is_bridged(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=1024)
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert "model.bin bytes=1024-" in hub.downloads


def test_silence_in_the_middle_is_bridged(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    hub.mood = Mood(stalls_once=True)
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert f"model.bin bytes={WEIGHTS_BYTES // 2}-" in hub.downloads


def test_what_came_before_a_failure_is_not_fetched_again(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=WEIGHTS_BYTES // 4, refuses_after=5)  # three small files, a redirect, a part of the weights
    message = refusal(hub, tmp_path)
    assert "answers 503" in message
    hub.mood = Mood()
    hub.asked.clear()
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert set(hub.downloads) == {f"model.bin bytes={WEIGHTS_BYTES // 4}-"}


def test_a_hub_without_ranges_sends_all_again(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=WEIGHTS_BYTES // 4, refuses_after=5)
    refusal(hub, tmp_path)
    hub.mood = Mood(ignores_ranges=True)
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]


def test_weights_with_another_hash_are_refused_and_thrown_away(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(lies=True)
    message = refusal(hub, tmp_path)
    assert f"model.bin of {SMALL} came with another hash than the hub tells: try again" in message
    hub.mood = Mood()
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]


@pytest.mark.parametrize(
    ("mood", "how", "said"),
    [
        (Mood(refuses=401), {}, f"answers 401 for {SMALL}: set HF_TOKEN to one that may"),
        (Mood(refuses=403), {}, f"answers 403 for {SMALL}: set HF_TOKEN to one that may"),
        (Mood(refuses=404), {}, f"answers 404 for {SMALL}"),
        (Mood(refuses=500), {}, f"answers 500 for {SMALL}"),
        (Mood(stalls_always=True), {}, "cannot be reached (timed out)"),
        (Mood(), {"revision": "v9"}, f"the hub has no revision 'v9' of {SMALL}"),
    ],
)
def test_a_refusal_is_one_clear_line(hub: StandIn, tmp_path: Path, mood: Mood, how: dict[str, str], said: str) -> None:
    hub.mood = mood
    message = refusal(hub, tmp_path, **how)
    assert said in message
    assert "\n" not in message
    assert f"bring its folder to {tmp_path / 'small'}/ (STENO_MODELS__DIR)" in message


def test_a_hub_that_is_away_is_one_clear_line(hub: StandIn, tmp_path: Path) -> None:
    hub.url = "http://127.0.0.1:9"
    assert "the hub at http://127.0.0.1:9 cannot be reached" in refusal(hub, tmp_path)


def test_a_repository_that_the_hub_does_not_show_is_one_clear_line(hub: StandIn, tmp_path: Path) -> None:
    hub.repositories.clear()
    said = f"the hub knows no {SMALL}, or keeps it private: check the name, or set HF_TOKEN"
    assert said in refusal(hub, tmp_path)


def test_a_repository_without_a_model_says_what_it_lacks(hub: StandIn, tmp_path: Path) -> None:
    hub.repositories[SMALL] = Repository({"config.json": b"{}", "pytorch_model.bin": b"x"})
    assert f"{SMALL} is no model for this engine: it lacks model.bin" in refusal(hub, tmp_path)


def test_the_token_is_told(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.mood = Mood(token="hf_right")
    assert "HF_TOKEN" in refusal(hub, tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert pull(hub, tmp_path).path.is_dir()


def test_what_the_disk_cannot_hold_is_not_begun(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    hub.repositories[SMALL] = Repository({**TINY_MODEL, "model.bin": bytes(3_000_000)})
    message = refusal(hub, tmp_path)
    assert "3 MB are to come and 1 MB are free); make room, or set STENO_MODELS__DIR" in message
    assert hub.downloads == []
