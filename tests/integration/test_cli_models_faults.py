"""`steno models` where the hub, a variable, the disk or another process stands in the way."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from consumer.models.inventory import State, names_in, survey
from tests.pulling import SMALL, Steno
from tests.stack.hub import TINY_MODEL, Mood, Repository, StandIn
from tests.waiting import until


def stands(name: str, cache: Path) -> State:
    return survey(name, cache, is_thorough=True).state


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HF_ENDPOINT": "nonsense"}, "no weights for model 'small': HF_ENDPOINT is 'nonsense', which is no address"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": "soon"}, "a variable of the model hub cannot be read"),
    ],
)
def test_a_variable_of_the_hub_that_means_nothing_is_one_clear_line(
    steno: Steno, variables: dict[str, str], said: str
) -> None:
    code, lines, errors = steno("pull", "small", **variables)
    assert code != ExitCode.OK
    assert lines == []
    assert said in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("arguments", [["list"], ["verify"], ["verify", "small"], ["pull", "no-such"]])
def test_a_cache_that_cannot_be_looked_into_is_one_clear_line(steno: Steno, arguments: list[str]) -> None:
    code, lines, errors = steno(*arguments, STENO_MODELS__DIR=f"/{'a' * 300}")
    assert (code, lines) == (ExitCode.MODEL_UNAVAILABLE, [])
    assert "cannot be read (File name too long); set STENO_MODELS__DIR to a folder that this user may read" in errors
    assert errors.count("\n") == 1


def test_a_hub_that_never_answers_is_one_clear_line_in_bounded_time(steno: Steno, hub: StandIn) -> None:
    hub.mood = Mood(stalls_always=True)
    code, lines, errors = steno("pull", "small", HF_HUB_ETAG_TIMEOUT="1")
    assert (code, lines) == (ExitCode.FAILED, [])
    assert f"the hub at {hub.url} cannot be reached (timed out)" in errors
    assert errors.count("\n") == 1


def test_a_disk_that_is_full_loses_nothing(steno: Steno, hub: StandIn, cache: Path) -> None:
    partial = cache / ".small.partial"
    partial.mkdir(parents=True)
    weights = partial / f"model.bin.{hashlib.sha256(TINY_MODEL['model.bin']).hexdigest()[:16]}.part"
    weights.symlink_to("/dev/full")
    code, lines, errors = steno("pull", "small")
    assert (code, lines) == (ExitCode.FAILED, [])
    assert "No space left on device); make room, or set STENO_MODELS__DIR" in errors
    assert errors.count("\n") == 1
    assert stands("small", cache) is State.ABSENT
    weights.unlink()
    hub.asked.clear()
    assert steno("pull", "small")[0] == ExitCode.OK
    assert set(hub.downloads) == {"model.bin"}
    assert stands("small", cache) is State.WHOLE


async def test_two_pulls_at_once_fetch_once_and_both_are_served(steno: Steno, hub: StandIn, cache: Path) -> None:
    hub.mood = Mood(stalls_once=True)
    both = [asyncio.create_task(asyncio.to_thread(steno, "pull", "small")) for _ in range(2)]
    await until(lambda: len(hub.lookups) == 2 and "model.bin" in hub.downloads, "both at it")
    hub.let_go.set()
    assert [code for code, _, _ in await asyncio.gather(*both)] == [ExitCode.OK, ExitCode.OK]
    assert sorted(hub.downloads).count("config.json") == 1
    assert stands("small", cache) is State.WHOLE


async def test_a_pull_that_was_killed_leaves_nothing_that_counts_and_is_continued(
    steno: Steno, hub: StandIn, cache: Path
) -> None:
    content = random.Random(1).randbytes(24 * 1024**2)
    hub.repositories[SMALL] = Repository({**TINY_MODEL, "model.bin": content})
    hub.mood = Mood(stalls_once=True)
    with steno.started("pull", "small") as pulling:
        await until(lambda: any(part.stat().st_size for part in cache.glob(".small.partial/model.bin.*.part")))
        pulling.kill()
    assert list(names_in(cache)) == []
    assert stands("small", cache) is State.ABSENT
    hub.let_go.set()
    hub.asked.clear()
    assert steno("pull", "small")[0] == ExitCode.OK
    (asked,) = set(hub.downloads)
    assert re.fullmatch(r"model\.bin bytes=[1-9]\d{6,}-", asked)
    assert (cache / "small" / "model.bin").read_bytes() == content
