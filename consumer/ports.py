"""The seams between the worker's decisions and the outside: what each side may rely on.

Every fake and every adapter of a port passes the same conformance suite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Protocol, Self

from consumer.core.records import Delivery, Header, OutboundRecord, Record
from consumer.core.speech import SAMPLE_RATE_HZ, EngineResult, FetchedObject, MediaInfo
from contracts.requests import Channels, Input, Options

__all__ = [
    "SAMPLE_RATE_HZ",
    "Decoder",
    "Delivery",
    "Engine",
    "EngineResult",
    "FetchedObject",
    "Header",
    "MediaInfo",
    "OutboundRecord",
    "Record",
    "RecordRefusedError",
    "Recording",
    "Samples",
    "Sink",
    "Source",
    "Store",
    "StoredObject",
]


class RecordRefusedError(Exception):
    """The broker refuses this record for good (too large, say): sending it again cannot help."""


class Source(Protocol):
    """Deliveries of the requests topic, at least once.

    Opened, it is a member of the consumer group and stays one until closed, however long jobs run and
    whether or not anybody receives. Closing commits what was settled and leaves the group.
    """

    async def __aenter__(self) -> Self:
        """Joins the group.

        Raises:
            FatalError: the topic is missing, the broker does not answer or refuses us.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commits, leaves the group and closes; bounded in time, never raises."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether the group is joined and the last poll is fresh."""
        ...

    async def receive(self) -> Delivery:
        """Waits for the next delivery. May be cancelled; then nothing is lost.

        Raises:
            FatalError: this source can never deliver again.
        """
        ...

    def settle(self, delivery: Delivery) -> None:
        """Says that the delivery's effects are durable.

        Its commit follows soon after and never passes an unsettled delivery. Repeated, late or foreign
        settlements do nothing.
        """
        ...

    def release(self, delivery: Delivery) -> None:
        """Gives an unsettled delivery back: it will be delivered again, here or to another member."""
        ...

    def stop_intake(self) -> None:
        """Delivers nothing more from now on; stays a member so that work in flight can be settled.

        A waiting `receive` goes on waiting until it is cancelled.
        """
        ...

    async def flush(self) -> None:
        """Commits what was settled so far; returns when the broker has confirmed it or the attempt failed."""
        ...


class Sink(Protocol):
    """Publishes records."""

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            FatalError: the broker does not answer or refuses us.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flushes and closes; bounded in time, never raises."""
        ...

    async def publish(self, record: OutboundRecord) -> None:
        """Returns once all in-sync replicas have the record.

        Raises:
            OutageError: `BROKER_UNAVAILABLE`; the record may or may not have been written.
            RecordRefusedError: it will never be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A small object, whole."""

    body: bytes
    etag: str


class Store(Protocol):
    """An object store with conditional writes. Each call is bounded in time.

    Every call may raise OutageError (`STORAGE_UNAVAILABLE`, `STORAGE_THROTTLED`, `CREDENTIALS_EXPIRED`).
    Each write and read of small objects may raise PermanentError (`OUTPUT_FORBIDDEN`).
    """

    async def fetch(self, source: Input, into: IO[bytes], *, max_bytes: int) -> FetchedObject:
        """Streams an object into a file; the caller owns the file and its position is undefined after.

        Raises:
            PermanentError: `INPUT_FORBIDDEN`, `INPUT_TOO_LARGE`, `INPUT_CHANGED` (not the ETag asked for).
            TransientError: `INPUT_NOT_FOUND`.
            OutageError: also `SCRATCH_FULL`.
        """
        ...

    async def read(self, uri: str) -> StoredObject | None:
        """Reads a small object; None when there is none."""
        ...

    async def create(self, uri: str, body: bytes, content_type: str) -> bool:
        """Writes with `If-None-Match: *`; False when an object is there already, which is left as it is."""
        ...

    async def write(self, uri: str, body: bytes, content_type: str) -> None:
        """Writes, replacing what is there."""
        ...

    async def replace(self, uri: str, body: bytes, content_type: str, *, etag: str) -> str | None:
        """Writes with `If-Match`; the new ETag, or None when the object has another ETag or is gone."""
        ...


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
    ) -> EngineResult:
        """Transcribes; waits for a free slot and its model first.

        `on_progress` gets seconds of audio done, rising; `on_loading` is called when the model has to be loaded.

        Cancelling ends the job and frees its slot.

        Raises:
            PermanentError: `MODEL_UNKNOWN`, `REQUEST_INVALID` (options that this model cannot serve).
            TransientError: `ENGINE_CRASHED`, `ENGINE_TIMEOUT`, `GPU_OUT_OF_MEMORY`, `INTERNAL`.
            OutageError: `MODEL_LOAD_FAILED`.
        """
        ...
