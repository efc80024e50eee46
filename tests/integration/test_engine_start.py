"""How the engine process starts, and what is said when it does not."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.engine import launch
from consumer.engine.supervisor import ProcessEngine
from tests.engines import located, make_engine_config, make_fake_config, spec
from tests.unlucky import killed_at_start

MIB = 1024 * 1024


async def test_one_death_at_the_start_is_made_good() -> None:
    with killed_at_start(launch, times=1) as children:
        async with ProcessEngine(make_fake_config()) as engine:
            assert engine.is_ready
            assert len(children) == 2


async def test_who_dies_twice_at_the_start_says_by_what_and_blames_no_model() -> None:
    with killed_at_start(launch, times=2), pytest.raises(FatalError, match=r"twice: .* ended by SIGKILL\.") as caught:
        await ProcessEngine(make_fake_config()).__aenter__()
    assert caught.value.exit_code is ExitCode.INTERNAL
    assert "cannot be loaded" not in str(caught.value)


async def test_a_model_that_ends_the_process_twice_is_told_of() -> None:
    deadly = replace(make_fake_config().models[0], path=Path("fake:crash"))
    with pytest.raises(FatalError, match=r"twice: the engine process .* 'steno models verify'"):
        await ProcessEngine(make_fake_config(models=(deadly,))).__aenter__()


@pytest.mark.parametrize(
    ("changes", "message", "code"),
    [
        (
            {"device": "cuda:97"},
            "^device 'cuda:97' was asked for, and .* set STENO_ENGINE__DEVICE to auto or cpu",
            ExitCode.DEVICE_MISSING,
        ),
        (
            {"compute_type": "int3"},
            "^compute type 'int3' .* set STENO_ENGINE__COMPUTE_TYPE to auto or one of .*int8",
            ExitCode.BAD_SETTINGS,
        ),
    ],
)
async def test_what_is_not_to_be_had_here_stops_the_start(
    changes: dict[str, Any], message: str, code: ExitCode
) -> None:
    with pytest.raises(FatalError, match=message) as caught:
        async with ProcessEngine(make_engine_config(**changes)):
            pass
    assert caught.value.exit_code is code


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"models": (replace(spec("tiny.en"), path=Path("/nowhere")),)},
            "model 'tiny.en' cannot be loaded: /nowhere on cpu with int8",
        ),
        ({"load_timeout_s": 0.01}, r"model 'tiny.en' cannot be loaded: no answer within 0\.01 s"),
    ],
)
async def test_a_model_that_cannot_be_loaded_stops_the_start(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FatalError, match=message) as caught:
        async with ProcessEngine(make_engine_config(**changes)):
            pass
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE


async def test_broken_weights_stop_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(located("tiny.en").path, folder)
    (folder / "tokenizer.json").write_text("no json")
    with pytest.raises(FatalError, match=f"{folder} on cpu with int8"):
        async with ProcessEngine(make_engine_config(models=(replace(spec("tiny.en"), path=folder),))):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="sizes are read from /proc")
async def test_a_limit_below_what_an_idle_process_takes_stops_the_start() -> None:
    with pytest.raises(FatalError, match="STENO_ENGINE__MAX_RSS_BYTES") as caught:
        async with ProcessEngine(make_fake_config(max_rss_bytes=1 * MIB)):
            pass
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS


async def test_a_switch_that_does_not_exist_stops_the_start() -> None:
    with pytest.raises(
        FatalError, match="STENO_ENGINE__FAKE_SWITCHES: 'explode' is no switch of the fake engine"
    ) as caught:
        async with ProcessEngine(make_fake_config(fake_switches="explode")):
            pass
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS
