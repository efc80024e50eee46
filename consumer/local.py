"""Files of this machine to transcripts: the worker's decoder and engine without store and broker."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from consumer.core.failures import PermanentError, TransientError
from consumer.core.speech import FetchedObject
from consumer.core.transcription import build_transcript, describe_source
from consumer.ports import Decoder, Engine
from consumer.stopwatch import Stopwatch
from consumer.tracks import transcribe_tracks
from contracts.errors import ErrorCode
from contracts.requests import Options, OutputFormat
from contracts.transcript import Job, Timing, Transcript

OnProgress = Callable[[float, float], None]
"""Hears of seconds of audio done and in all."""


class LocalTranscriber:
    """Transcribes files by path."""

    def __init__(
        self, decoder: Decoder, engine: Engine, *, max_bytes: int, at_once: int, now: Callable[[], datetime]
    ) -> None:
        """Borrows its ports; the caller gives it no more than `at_once` files at a time."""
        self._decoder = decoder
        self._engine = engine
        self._max_bytes = max_bytes
        self._now = now
        self.at_once = at_once
        """Files that it can work on side by side."""

    async def transcribe(self, path: Path, options: Options, on_progress: OnProgress) -> Transcript:
        """Transcribes one file; the transcript names it by its absolute URI.

        Raises:
            JobError: as for a job; `INPUT_NOT_FOUND` and `INPUT_FORBIDDEN` speak of the file.
        """
        stopwatch = Stopwatch()
        source = await asyncio.to_thread(self._inspect, path)
        with path.open("rb") as media, stopwatch.stage("decode"):
            recording = await self._decoder.decode(media, options.channels)
        with recording:
            on_progress(0.0, recording.duration_s)
            result = await transcribe_tracks(
                self._engine, recording, options, lambda done_s: on_progress(done_s, recording.duration_s)
            )
        return build_transcript(
            self._job(path, source),
            describe_source(_uri(path), source, recording.media),
            result,
            duration_s=recording.duration_s,
            timing=Timing(
                created_at=self._now(),
                fetch_s=0.0,
                decode_s=round(stopwatch.seconds("decode"), 4),
                engine_s=result.engine_s,
            ),
        )

    def _inspect(self, path: Path) -> FetchedObject:
        try:
            with path.open("rb") as media:
                size_bytes = path.stat().st_size
                if size_bytes > self._max_bytes:
                    text = (
                        f"{path} has {size_bytes} bytes, at most {self._max_bytes} are taken (STENO_MEDIA__MAX_BYTES)"
                    )
                    raise PermanentError(ErrorCode.INPUT_TOO_LARGE, text)
                digest = hashlib.file_digest(media, "sha256").hexdigest()
        except FileNotFoundError as exc:
            raise TransientError(ErrorCode.INPUT_NOT_FOUND, f"{path} does not exist") from exc
        except OSError as exc:
            raise PermanentError(ErrorCode.INPUT_FORBIDDEN, f"{path} cannot be read: {exc.strerror}") from exc
        return FetchedObject(size_bytes=size_bytes, sha256=digest, etag="", version_id=None)

    @staticmethod
    def _job(path: Path, source: FetchedObject) -> Job:
        return Job(
            job_id=path.name,
            fingerprint=source.sha256,
            output_uri=_uri(path.parent),
            formats=(OutputFormat.JSON,),
            attempt=1,
            worker="local",
        )


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
