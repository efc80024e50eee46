"""Files of this machine through decoder and engine."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

import pytest

from consumer.core.failures import JobError, PermanentError
from consumer.local import LocalTranscriber
from consumer.ports import Recording
from contracts.errors import ErrorCode
from contracts.requests import Channels, Options
from contracts.transcript import Transcript
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.make import NOW


class Writer(FakeDecoder):
    """Decodes while somebody else writes to the file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        recording = await super().decode(media, channels)
        self._path.write_text("more and more")
        return recording


async def transcribed(path: Path, decoder: FakeDecoder | None = None) -> Transcript:
    transcriber = LocalTranscriber(decoder or FakeDecoder(), FakeEngine(), max_bytes=100, at_once=1, now=lambda: NOW)
    return await transcriber.transcribe(path, Options(), lambda _done, _total: None)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_text("hello")
    return path


async def test_a_transcript_names_its_file(talk: Path) -> None:
    transcript = await transcribed(talk)
    assert (transcript.text, transcript.input.uri, transcript.input.bytes) == ("hello #1", talk.as_uri(), 5)


@pytest.fixture
def odd(talk: Path) -> Path:
    return talk.rename(talk.with_name(os.fsdecode(b"bad\xff.wav")))


async def test_a_name_that_is_no_text_is_no_obstacle(odd: Path) -> None:
    transcript = await transcribed(odd)
    assert transcript.job.job_id == r"bad\xff.wav"
    assert Transcript.model_validate_json(transcript.model_dump_json()).input.uri.endswith("/bad%FF.wav")


async def test_a_file_that_changes_while_it_is_decoded_is_no_transcript(talk: Path) -> None:
    with pytest.raises(JobError) as refused:
        await transcribed(talk, Writer(talk))
    assert refused.value.code is ErrorCode.INPUT_CHANGED


async def test_a_machine_that_has_no_more_is_not_the_files_fault(talk: Path) -> None:
    decoder = FakeDecoder()
    decoder.error = OSError(errno.EMFILE, "Too many open files")
    with pytest.raises(JobError, match=r"is not at fault, .*: Too many open files; raise .* \(ulimit -n\)") as refused:
        await transcribed(talk, decoder)
    assert refused.value.code is ErrorCode.INTERNAL


async def test_what_the_decoder_says_is_said(talk: Path) -> None:
    decoder = FakeDecoder()
    decoder.error = PermanentError(ErrorCode.MEDIA_NO_AUDIO, "nobody speaks")
    with pytest.raises(PermanentError, match="nobody speaks"):
        await transcribed(talk, decoder)
