"""Frames of any form become int16 of one rate and layout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from av.audio.frame import AudioFrame

from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import MIX, DecodeLimits
from consumer.media.resample import resampled

LIMITS = DecodeLimits(max_duration_s=60, timeout_s=60, memory_bytes=0, max_channels=2)
RATE_HZ = 16_000


def tone(seconds: float, rate_hz: int = RATE_HZ, layout: str = "mono", form: str = "s16") -> Iterator[AudioFrame]:
    """Frames of a tenth of a second at most, full of ones."""
    count, step = round(seconds * rate_hz), rate_hz // 10
    for start in range(0, count, step):
        frame = AudioFrame(form, layout, min(step, count - start))
        frame.sample_rate = rate_hz
        for plane in frame.planes:
            plane.update(np.ones(plane.buffer_size // 2, np.int16).tobytes())
        frame.pts = 10 * start  # with gaps, which nobody fills
        yield frame


def samples_of(frames: list[AudioFrame]) -> npt.NDArray[np.int16]:
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_rate_and_layout_becomes_one_track_as_long_as_it_was(rate_hz: int, layout: str) -> None:
    frames = list(resampled(tone(1.5, rate_hz, layout), RATE_HZ, MIX, LIMITS))
    assert {(frame.format.name, frame.layout.name, frame.sample_rate) for frame in frames} == {("s16", "mono", RATE_HZ)}
    assert sum(frame.samples for frame in frames) == pytest.approx(1.5 * RATE_HZ, abs=20)


def test_what_needs_no_resampling_comes_out_as_it_went_in_whatever_its_timestamps() -> None:
    assert np.array_equal(samples_of(list(resampled(tone(1), RATE_HZ, MIX, LIMITS))), np.ones(RATE_HZ, np.int16))


def test_frames_are_joined_to_groups_of_half_a_million_samples() -> None:
    frames = list(resampled(tone(40), RATE_HZ, MIX, LIMITS))
    assert [frame.samples for frame in frames if frame.samples] == [500_800, 40 * RATE_HZ - 500_800]


def test_a_stream_may_change_its_form_midway() -> None:
    def changing() -> Iterator[AudioFrame]:
        yield from tone(1, 48_000, "stereo")
        yield from tone(1, 8_000, "mono", "s16p")
        yield from tone(1, 16_000, "mono")

    frames = list(resampled(changing(), RATE_HZ, MIX, LIMITS))
    assert {(frame.layout.name, frame.sample_rate) for frame in frames} == {("mono", RATE_HZ)}
    assert sum(frame.samples for frame in frames) == pytest.approx(3 * RATE_HZ, abs=60)


def test_the_first_frames_layout_is_kept_for_all_where_none_is_asked_for() -> None:
    def changing() -> Iterator[AudioFrame]:
        yield from tone(0.5, layout="stereo")
        yield from tone(0.5, layout="mono")

    frames = list(resampled(changing(), RATE_HZ, None, LIMITS))
    assert {frame.layout.name for frame in frames} == {"stereo"}


@pytest.mark.parametrize(
    ("rate_hz", "layout", "fault"),
    [
        (3_000, "mono", Fault.SAMPLE_RATE),
        (800_000, "mono", Fault.SAMPLE_RATE),
        (48_000, "7.1", Fault.TOO_MANY_CHANNELS),
    ],
)
def test_a_form_out_of_bounds_is_refused_also_midway(rate_hz: int, layout: str, fault: Fault) -> None:
    def changing() -> Iterator[AudioFrame]:
        yield from tone(0.5)
        yield from tone(0.5, rate_hz, layout)

    frames = resampled(changing(), RATE_HZ, MIX, LIMITS)
    assert next(frames).samples
    with pytest.raises(MediaFaultError) as caught:
        list(frames)
    assert caught.value.fault is fault


def test_nothing_comes_of_nothing() -> None:
    assert list(resampled([], RATE_HZ, MIX, LIMITS)) == []
