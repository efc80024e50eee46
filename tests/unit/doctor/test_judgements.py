"""What the doctor makes of what it saw."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta

import pytest

from consumer.adapters.kafka.topics import TopicReport, TopicState
from consumer.doctor.broker import judge_topics
from consumer.doctor.children import judge_device, judge_sandbox
from consumer.doctor.findings import Level, counted
from consumer.doctor.machine import judge_files, judge_memory
from consumer.doctor.sizes import as_text
from consumer.doctor.store import judge_clock
from consumer.doctor.weights import judge_model
from consumer.engine.protocol import Opened
from consumer.models.inventory import Entry, State
from consumer.settings import EngineSettings, Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
GIB = 2**30
HOLDING = {"landlock": True, "no_new_descriptors": True, "memory_limit": True}


@pytest.mark.parametrize(
    ("ahead_s", "level", "says"),
    [
        (0, Level.OK, "goes with"),
        (-0.9, Level.OK, "goes with"),
        (29, Level.OK, "goes with"),
        (60, Level.WARNING, "behind the store's"),
        (-60, Level.WARNING, "ahead of the store's"),
        (3600, Level.FAILED, "3599 s behind"),
        (-3600, Level.FAILED, "refuses what is signed"),
    ],
)
def test_a_clock_is_judged_by_what_the_store_bears(ahead_s: float, level: Level, says: str) -> None:
    found = judge_clock(NOW, NOW + timedelta(seconds=ahead_s), NOW + timedelta(seconds=1))
    assert (found.level, says in found.text) == (level, True)


def test_the_time_that_an_answer_takes_is_no_difference() -> None:
    assert judge_clock(NOW, NOW + timedelta(seconds=100), NOW + timedelta(seconds=120)).level is Level.OK


def test_a_missing_topic_fails_and_one_that_differs_does_not() -> None:
    there, differs = TopicReport("a", TopicState.EXISTS), TopicReport("b", TopicState.DIFFERS, ("x is 1, not 2",))
    missing = TopicReport("c", TopicState.MISSING)
    assert judge_topics([there]).level is Level.OK
    assert (judge_topics([there, differs]).level, judge_topics([differs]).text) == (Level.WARNING, "b: x is 1, not 2")
    found = judge_topics([there, differs, missing])
    assert (found.level, found.text) == (Level.FAILED, "missing: c")
    assert "steno topics init" in found.advice


@pytest.mark.parametrize(
    ("entry", "is_offline", "level", "says"),
    [
        (Entry("base", State.WHOLE, "cache", "/m/base", 145_000_000), False, Level.OK, "145 MB"),
        (Entry("base", State.PACKED, "packages", revision="x==1"), False, Level.OK, "x==1"),
        (Entry("mine", State.UNCHECKED, "cache", "/m/mine", detail="no record"), False, Level.WARNING, "no record"),
        (Entry("base", State.BROKEN, "cache", "/m/base", detail="lacks x"), False, Level.FAILED, "models pull base"),
        (Entry("/m/x", State.BROKEN, "path", "/m/x", detail="lacks x"), False, Level.FAILED, "bring a whole model"),
        (Entry("base", State.BROKEN, "packages", revision="w==1", detail="is bad"), False, Level.FAILED, "w==1 is bad"),
        (Entry("small", State.ABSENT, "hub", "o/small", 486_000_000), False, Level.WARNING, "models pull small"),
        (Entry("small", State.ABSENT, "hub", "o/small", 486_000_000), True, Level.FAILED, "OFFLINE"),
        (Entry("smal", State.ABSENT, "nowhere", detail="unknown"), False, Level.FAILED, "models list"),
        (Entry("/m/x", State.ABSENT, "nowhere", detail="no folder"), False, Level.FAILED, "name a folder"),
    ],
)
def test_a_model_is_judged_by_what_a_start_would_make_of_it(
    entry: Entry, is_offline: bool, level: Level, says: str  # noqa: FBT001 - a table's column
) -> None:  # fmt: skip
    found = judge_model(entry, is_offline=is_offline)
    assert found.level is level
    assert says in f"{found.text} {found.advice}"


@pytest.mark.parametrize(
    ("device", "wanted", "has_driver", "level"),
    [
        ("cpu", "auto", False, Level.OK),
        ("cpu", "auto", True, Level.WARNING),
        ("cpu", "cpu", True, Level.OK),
        ("cuda", "auto", True, Level.OK),
    ],
)
def test_a_gpu_that_is_not_used_is_worth_a_word(
    device: str, wanted: str, has_driver: bool, level: Level  # noqa: FBT001 - a table's column
) -> None:  # fmt: skip
    opened = Opened(device, "int8", 2, 1, {})
    assert judge_device(opened, wanted, has_driver=has_driver).level is level


@pytest.mark.parametrize(
    ("lacking", "level"),
    [
        ((), Level.OK),
        (("memory_limit",), Level.WARNING),
        (("landlock",), Level.WARNING),
        (("landlock", "no_new_descriptors"), Level.FAILED),
    ],
)
def test_a_sandbox_that_keeps_nothing_in_fails(lacking: tuple[str, ...], level: Level) -> None:
    found = judge_sandbox(HOLDING | dict.fromkeys(lacking, False))
    assert found.level is level
    assert all(name in found.text for name in HOLDING)


@pytest.mark.parametrize(
    ("soft", "hard", "level"),
    [
        (1024, 1024, Level.OK),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, Level.OK),
        (256, 4096, Level.WARNING),
        (200, 200, Level.FAILED),
    ],
)
def test_open_files_are_judged_by_what_a_worker_needs(soft: int, hard: int, level: Level) -> None:
    assert judge_files(soft, hard).level is level


@pytest.mark.parametrize(
    ("engine", "memory_bytes", "weights_bytes", "level"),
    [
        (EngineSettings(), 8 * GIB, GIB, Level.OK),
        (EngineSettings(), 2 * GIB, 2 * GIB, Level.WARNING),
        (EngineSettings(device="cuda:0"), 2 * GIB, 2 * GIB, Level.OK),
        (EngineSettings(models_bytes=GIB), 2 * GIB, 9 * GIB, Level.OK),
        (EngineSettings(max_rss_bytes=9 * GIB), 8 * GIB, GIB, Level.WARNING),
    ],
)
def test_memory_is_compared_with_the_models_held_at_once(
    engine: EngineSettings, memory_bytes: int, weights_bytes: int, level: Level
) -> None:
    assert judge_memory(Settings(engine=engine), memory_bytes, weights_bytes).level is level


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(7, "7 bytes"), (1500, "1.5 kB"), (145_000_000, "145 MB"), (3 * 10**9, "3.0 GB"), (77 * 10**9, "77 GB")],
)
def test_sizes_are_short(size_bytes: int, text: str) -> None:
    assert as_text(size_bytes) == text


def test_counts_are_english() -> None:
    assert [counted(number, "job") for number in (0, 1, 2)] == ["no jobs", "1 job", "2 jobs"]
