"""Which device is taken by what CTranslate2 sees."""

from __future__ import annotations

import pytest

from consumer.engine.backend import NoDeviceError
from consumer.engine.whisper import _device


def test_a_cpu_that_is_asked_for_is_no_fall_back() -> None:
    assert _device("cpu", 0) == _device("cpu", 2) == ("cpu", 0, None)


def test_auto_without_a_gpu_says_what_it_looked_for() -> None:
    name, index, lack = _device("auto", 0)
    assert (name, index) == ("cpu", 0)
    assert lack
    assert lack.startswith("no CUDA device is to be seen (")


@pytest.mark.parametrize(
    ("wanted", "count", "why"),
    [
        ("cuda", 0, "no CUDA device is to be seen"),
        ("cuda:1", 1, "only 1 CUDA device is there, numbered from 0"),
        ("cuda:7", 2, "only 2 CUDA devices are there, numbered from 0"),
    ],
)
def test_a_gpu_that_is_asked_for_and_not_there_stops_the_start(wanted: str, count: int, why: str) -> None:
    with pytest.raises(NoDeviceError, match=f"^device '{wanted}' was asked for, and {why}.*: set STENO_ENGINE__DEVICE"):
        _device(wanted, count)
