"""Downloads from a hub that is whole, cut short, lying, refusing or slow: a model is whole afterwards or not there."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.models.download import Download
from consumer.models.fetching import find_model
from consumer.models.hub import Hub
from consumer.models.record import read_record
from consumer.models.resolve import LocatedModel, Wanted, find, locate
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn, stand_in_hub
from tests.waiting import until

SMALL = "Systran/faster-whisper-small"
FETCHED = ["config.json", "tokenizer.json", "vocabulary.txt", "model.bin"]
SIZE = len(TINY_MODEL["model.bin"])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A hub that has one model and behaves; no token of this machine's user is told to it."""
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024)  # what comes in a chunk cut off is lost
    with stand_in_hub({SMALL: Repository()}) as found:
        yield found


def pull(hub: StandIn, cache: Path, name: str = "small", **how: Any) -> LocatedModel:
    return find(Wanted(name, cache, Download(Hub(hub.url, look_up_timeout_s=1)), **how))


def refusal(hub: StandIn, cache: Path, **how: Any) -> str:
    with pytest.raises(FatalError) as caught:
        pull(hub, cache, **how)
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert not (cache / "small").exists()
    return caught.value.message


def test_a_model_comes_whole_and_is_recorded(hub: StandIn, tmp_path: Path) -> None:
    located = pull(hub, tmp_path)
    names = sorted(path.name for path in located.path.iterdir())
    assert names == sorted([*FETCHED, "steno.json"])
    assert all((located.path / name).read_bytes() == TINY_MODEL[name] for name in FETCHED)
    record = read_record(located.path)
    assert record
    assert (record.source, record.revision) == (SMALL, hub.repositories[SMALL].commit)
    assert (located.identity.name, located.identity.revision) == ("small", record.revision)
    assert located.identity.sha256 == record.sha256["model.bin"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".small.lock", "small"]


def test_a_full_cache_asks_nobody(hub: StandIn, tmp_path: Path) -> None:
    first = pull(hub, tmp_path)
    hub.asked.clear()
    assert pull(hub, tmp_path) == first
    assert locate("small", tmp_path) == first
    assert hub.asked == []


def test_any_repository_may_be_named(hub: StandIn, tmp_path: Path) -> None:
    hub.repositories["owner/whisper.own-ct2"] = Repository()
    located = pull(hub, tmp_path, "owner/whisper.own-ct2")
    assert located.path == (tmp_path / "owner" / "whisper.own-ct2").resolve()


def test_progress_rises_to_the_size_of_all_files(hub: StandIn, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    how = Download(Hub(hub.url), lambda _, done, total: heard.append((done, total)))
    locate("small", tmp_path, how)
    size = sum(len(TINY_MODEL[name]) for name in FETCHED)
    assert {total for _, total in heard} == {size}
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == size


def test_what_progress_raises_ends_the_download(hub: StandIn, tmp_path: Path) -> None:
    def stop(_: str, done: int, __: int) -> None:
        if done > 100:
            raise InterruptedError("asked to end")

    with pytest.raises(FatalError, match="asked to end"):
        locate("small", tmp_path, Download(Hub(hub.url), stop))
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize("revision", ["v1.0", None])
def test_a_revision_is_pinned(hub: StandIn, tmp_path: Path, revision: str | None) -> None:
    commit = hub.repositories[SMALL].commit
    located = pull(hub, tmp_path, revision=revision or commit[:12] if revision else commit)
    assert located.identity.revision == commit
    hub.asked.clear()
    assert pull(hub, tmp_path, revision=revision or commit) == located
    assert hub.asked == []


def test_another_revision_replaces_and_fetches_only_what_differs(hub: StandIn, tmp_path: Path) -> None:
    pull(hub, tmp_path)
    hub.repositories[SMALL] = Repository({**TINY_MODEL, "vocabulary.txt": b"other\n"}, revisions=("main", "v2.0"))
    hub.asked.clear()
    located = pull(hub, tmp_path, revision="v2.0")
    assert (located.path / "vocabulary.txt").read_bytes() == b"other\n"
    assert hub.downloads == ["vocabulary.txt"]


def test_a_damaged_file_alone_is_fetched_again(hub: StandIn, tmp_path: Path) -> None:
    folder = pull(hub, tmp_path).path
    (folder / "tokenizer.json").write_text("else")
    hub.asked.clear()
    assert (pull(hub, tmp_path).path / "tokenizer.json").read_bytes() == TINY_MODEL["tokenizer.json"]
    assert hub.downloads == ["tokenizer.json"]


def test_force_fetches_everything_again(hub: StandIn, tmp_path: Path) -> None:
    pull(hub, tmp_path)
    hub.asked.clear()
    pull(hub, tmp_path, is_forced=True)
    assert set(FETCHED) <= set(hub.downloads)


def test_a_short_break_is_bridged(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=1024)
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert "model.bin bytes=1024-" in hub.downloads


def test_silence_in_the_middle_is_bridged(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    hub.mood = Mood(stalls_once=True)
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert f"model.bin bytes={SIZE // 2}-" in hub.downloads


def test_what_came_before_a_failure_is_not_fetched_again(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=SIZE // 4, refuses_after=5)  # three small files, a redirect, a quarter of the weights
    message = refusal(hub, tmp_path)
    assert "answers 503" in message
    hub.mood = Mood()
    hub.asked.clear()
    assert (pull(hub, tmp_path).path / "model.bin").read_bytes() == TINY_MODEL["model.bin"]
    assert set(hub.downloads) == {f"model.bin bytes={SIZE // 4}-"}


def test_a_hub_without_ranges_sends_all_again(hub: StandIn, tmp_path: Path) -> None:
    hub.mood = Mood(cuts_at=SIZE // 4, refuses_after=5)
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


async def test_a_download_that_nobody_waits_for_any_more_ends_and_can_be_continued(
    hub: StandIn, tmp_path: Path
) -> None:
    hub.mood = Mood(stalls_once=True)
    waiting = asyncio.create_task(find_model("small", tmp_path, is_offline=False, hub=Hub(hub.url)))
    parts = tmp_path / ".small.partial"
    await until(lambda: any(part.stat().st_size for part in parts.glob("model.bin.*.part")), "weights on their way")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hub.let_go.set()
    await until(lambda: is_free(tmp_path / ".small.lock"), "the end of the download")
    assert not (tmp_path / "small").exists()
    assert (await find_model("small", tmp_path, is_offline=False, hub=Hub(hub.url))).path.is_dir()
    assert any(asked.startswith("model.bin bytes=") for asked in hub.downloads)


def is_free(lock: Path) -> bool:
    with lock.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_what_a_person_put_there_is_set_aside_when_it_is_replaced(hub: StandIn, tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "model.bin").write_bytes(b"somebody's own")
    assert read_record(pull(hub, tmp_path).path)
    assert (tmp_path / ".small.replaced" / "model.bin").read_bytes() == b"somebody's own"


def test_offline_a_part_of_a_model_is_no_model_and_is_completed_later(hub: StandIn, tmp_path: Path) -> None:
    folder = pull(hub, tmp_path).path
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FatalError, match=r"the hub was not asked.*the cached \S+/small lacks tokenizer.json"):
        locate("small", tmp_path)
    hub.asked.clear()
    assert read_record(pull(hub, tmp_path).path)
    assert hub.downloads == ["tokenizer.json"]


def test_what_the_disk_cannot_hold_is_not_begun(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    hub.repositories[SMALL] = Repository({**TINY_MODEL, "model.bin": bytes(3_000_000)})
    message = refusal(hub, tmp_path)
    assert "3 MB are to come and 1 MB are free); make room, or set STENO_MODELS__DIR" in message
    assert hub.downloads == []
