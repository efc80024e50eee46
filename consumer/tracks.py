"""The tracks of one recording through the engine, one after another: a job takes one slot, whatever it holds."""

from __future__ import annotations

from collections.abc import Callable

from consumer.core.channels import merge_channels
from consumer.ports import Engine, EngineResult, Recording
from contracts.requests import Channels, Options


async def transcribe_tracks(
    engine: Engine,
    recording: Recording,
    options: Options,
    on_progress: Callable[[float], None],
    on_loading: Callable[[], None] = lambda: None,
    on_begun: Callable[[], None] = lambda: None,
) -> EngineResult:
    """Transcribes what the decoder made of the media for these options.

    `on_progress` gets seconds of the recording done, rising: half of them with one of two channels done. `on_begun`
    is called as each track begins.

    Raises:
        JobError: as the engine's own.
    """
    share = 1 / len(recording.tracks)
    results = []
    for number, track in enumerate(recording.tracks):
        done_s = number * share * recording.duration_s
        heard = _Progress(on_progress, done_s, share)
        results.append(await engine.transcribe(track, options, heard, on_loading, on_begun))
    return merge_channels(results) if options.channels is Channels.SEPARATE else results[0]


class _Progress:
    """What one track's progress means for the recording."""

    def __init__(self, on_progress: Callable[[float], None], done_s: float, share: float) -> None:
        self._on_progress = on_progress
        self._done_s = done_s
        self._share = share

    def __call__(self, done_s: float) -> None:
        self._on_progress(self._done_s + self._share * done_s)
