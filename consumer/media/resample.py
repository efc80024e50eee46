"""Frames of any form to interleaved int16, grouped and resampled just as faster-whisper's `decode_audio` does it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from consumer.media.limits import DecodeLimits
from consumer.media.probe import check_form

_GROUP_SAMPLES: Final = 500_000
"""As decode_audio groups them; the resampler's output depends on it."""

_Form = tuple[str, str, int, int]


def resampled(
    frames: Iterable[AudioFrame], sample_rate_hz: int, layout: str | None, limits: DecodeLimits
) -> Iterator[AudioFrame]:
    """Resamples run by run: a stream may change its form midway, which neither queue nor resampler can take.

    Args:
        frames: as decoded.
        sample_rate_hz: of the result.
        layout: of the result; None keeps the one of the first frame.
        limits: on the form of any frame.

    Raises:
        MediaFaultError: a frame's form is out of bounds.
    """
    for (_, own_layout, rate_hz, channels), run in itertools.groupby(frames, key=_form):
        check_form(rate_hz, channels, limits)
        layout = layout or own_layout
        resampler = AudioResampler(format="s16", layout=layout, rate=sample_rate_hz)
        for group in itertools.chain(_grouped(run), [None]):
            yield from resampler.resample(group)


def _form(frame: AudioFrame) -> _Form:
    return frame.format.name, frame.layout.name, frame.sample_rate, frame.layout.nb_channels


def _grouped(frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    queue = AudioFifo()
    for frame in frames:
        frame.pts = None  # gaps between timestamps are not filled
        queue.write(frame)
        if queue.samples >= _GROUP_SAMPLES and (group := queue.read()):
            yield group
    if group := queue.read():
        yield group
