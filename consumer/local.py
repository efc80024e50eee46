"""Files of this machine to transcripts: the worker's decoder and engine without store and broker."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from consumer.core.speech import FetchedObject
from consumer.core.transcription import build_transcript, describe_source
from consumer.local_file import LocalFile, exhausted
from consumer.ports import Decoder, Engine, Recording
from consumer.stopwatch import Stopwatch
from consumer.tracks import transcribe_tracks
from contracts.requests import Channels, Options, OutputFormat
from contracts.transcript import Job, Timing, Transcript

OnProgress = Callable[[float, float], None]
"""Hears of seconds of audio done and in all."""


class LocalTranscriber:
    """Transcribes files by path."""

    def __init__(
        self, decoder: Decoder, engine: Engine, *, max_bytes: int, at_once: int, now: Callable[[], datetime],
        notice: str | None = None,
    ) -> None:  # fmt: skip
        """Borrows its ports; the caller gives it no more than `at_once` files at a time."""
        self._decoder = decoder
        self._engine = engine
        self._max_bytes = max_bytes
        self._now = now
        self.at_once = at_once
        """Files that it can work on side by side."""
        self.notice = notice
        """What the user should know before the first file; None mostly."""

    async def transcribe(self, path: Path, options: Options, on_progress: OnProgress) -> Transcript:
        """Transcribes one file; the transcript names it by its absolute URI.

        Raises:
            JobError: as for a job; `INPUT_NOT_FOUND` and `INPUT_FORBIDDEN` speak of the file, `INTERNAL` of the
                machine, where it has no more descriptors or memory for a decoder.
        """
        stopwatch = Stopwatch()
        with ExitStack() as stack:
            with LocalFile.open(path) as file:
                source = await file.fetched(max_bytes=self._max_bytes)
                with stopwatch.stage("decode"):
                    recording = stack.enter_context(await self._decode(file, options.channels))
                file.check_unchanged()
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

    async def _decode(self, file: LocalFile, channels: Channels) -> Recording:
        try:
            return await self._decoder.decode(file.media, channels)
        except OSError as exc:
            raise exhausted(file.path, exc) from exc

    @staticmethod
    def _job(path: Path, source: FetchedObject) -> Job:
        return Job(
            job_id=os.fsencode(path.name).decode(errors="backslashreplace"),  # a name may be no UTF-8, a document must
            fingerprint=source.sha256,
            output_uri=_uri(path.parent),
            formats=(OutputFormat.JSON,),
            attempt=1,
            worker="local",
        )


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
