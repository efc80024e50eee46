"""Downloads from a hub that behaves: what is fetched, what is left alone, and what is kept."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from consumer.core.failures import FatalError
from consumer.models.download import Download
from consumer.models.fetching import find_model
from consumer.models.hub import Hub
from consumer.models.record import read_record
from consumer.models.resolve import locate
from tests.pulling import SMALL, pull
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn
from tests.waiting import until

FETCHED = ["config.json", "tokenizer.json", "vocabulary.txt", "model.bin"]


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
