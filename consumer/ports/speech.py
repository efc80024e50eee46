"""The seams to the decoder and the engine, and the samples that pass between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Protocol, Self

from consumer.core.speech import SAMPLE_RATE_HZ, EngineResult, MediaInfo
from contracts.requests import Channels, Options


@dataclass(slots=True)
class Samples:
    """Decoded audio: int16 mono at 16 kHz, native byte order, from the start of `file`. Close it after use."""

    file: IO[bytes]
    count: int
    media: MediaInfo

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return self.count / SAMPLE_RATE_HZ

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Frees the samples."""
        self.file.close()


@dataclass(frozen=True, slots=True)
class Recording:
    """Media as it was decoded: one track or more, all from start to end. Close it after use."""

    tracks: tuple[Samples, ...]

    @property
    def media(self) -> MediaInfo:
        """What the media was."""
        return self.tracks[0].media

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds; that of every track."""
        return self.tracks[0].duration_s

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Frees the samples of every track."""
        for track in self.tracks:
            track.file.close()


class Decoder(Protocol):
    """Turns media of unknown origin into samples, harming nobody."""

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        """Decodes the first audio stream to one track, or to one for each channel; the caller closes the recording.

        Raises:
            PermanentError: `MEDIA_UNSUPPORTED`, `MEDIA_NO_AUDIO`, `MEDIA_CORRUPT`, `MEDIA_DECODER_FAILED`,
                `INPUT_TOO_LONG`, `INPUT_TOO_SHORT`.
        """
        ...


class Engine(Protocol):
    """A model that is loaded and transcribes."""

    @property
    def is_ready(self) -> bool:
        """Whether a model is loaded and the next job would start at once."""
        ...

    async def transcribe(
        self,
        samples: Samples,
        options: Options,
        on_progress: Callable[[float], None],
        on_loading: Callable[[], None] = lambda: None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> EngineResult:
        """Transcribes; waits for a free slot and its model first.

        `on_progress` gets seconds of audio done, rising; `on_loading` is called when the model has to be loaded,
        `on_begun` when the job has its slot, again if it has to run again.

        Cancelling ends the job and frees its slot.

        Raises:
            PermanentError: `MODEL_UNKNOWN`, `REQUEST_INVALID` (options that this model cannot serve).
            TransientError: `ENGINE_CRASHED`, `ENGINE_TIMEOUT`, `GPU_OUT_OF_MEMORY`, `INTERNAL`.
            OutageError: `MODEL_LOAD_FAILED`.
        """
        ...
