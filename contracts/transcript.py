"""What a result set holds: the transcript, a superset of OpenAI's `verbose_json`, and its manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from contracts.events import OutcomeEvent
from contracts.requests import Contract, OutputFormat


class Word(Contract):
    """One word with its times in seconds from the start of the media."""

    word: str
    start: float
    end: float
    probability: float


class Segment(Contract):
    """One piece of speech; `text` keeps the space that precedes it. Times in seconds."""

    id: int
    seek: int = Field(description="first frame of the window it was found in, in hundredths of a second")
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float | None = Field(description="the one that gave this text; in batched mode the first one")
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: list[Word] = Field(default_factory=list, description="empty unless word timestamps were asked for")
    channel: int | None = Field(
        default=None, ge=0, description="which one spoke, from 0, with `channels: separate`; else null"
    )


class Usage(Contract):
    """What is to be billed: seconds of audio."""

    type: Literal["duration"] = "duration"
    seconds: float


class Job(Contract):
    """The request this transcript answers; with the rest of the file enough to write every other output."""

    job_id: str
    fingerprint: str = Field(description="sha256 over input, options and model of the request")
    output_uri: str = Field(description="prefix of the result set")
    formats: tuple[OutputFormat, ...]
    attempt: int = Field(ge=1)
    worker: str
    shared_from: str | None = Field(
        default=None, description="job whose transcription this one shares; `provenance` is that one's, too"
    )
    tenant: str | None = None
    correlation_id: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class Source(Contract):
    """The media as it was fetched and decoded."""

    uri: str
    version_id: str | None = None
    etag: str | None = None
    sha256: str
    bytes: int
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    declared_duration_s: float | None = Field(
        default=None, description="length that the header tells, null where it does not; `duration` is what was decoded"
    )
    damaged_packets: int = Field(
        default=0, ge=0, description="pieces that could not be decoded; above 0 the media is damaged"
    )
    lost_s: float = Field(
        default=0.0, ge=0, description="seconds known to be missing: silence stands for them, or they are cut off"
    )


class Quality(Contract):
    """Figures by which a reader can judge the transcript."""

    language_probability: float = Field(description="1 when the language was given")
    avg_logprob: float | None = Field(description="mean over segments, weighted by their length; null without speech")
    no_speech_prob: float | None = Field(description="mean over segments, likewise")
    max_compression_ratio: float | None = Field(description="above 2.4 the text may repeat itself")
    speech_s: float = Field(description="seconds that segments cover, summed over channels that are kept apart")


class ModelIdentity(Contract):
    """Exactly which weights were used."""

    name: str
    revision: str | None = None
    sha256: str | None = Field(default=None, description="of model.bin")


class Provenance(Contract):
    """Enough to repeat the run."""

    model: ModelIdentity
    engine: str
    device: str
    compute_type: str
    mode: str
    options: dict[str, JsonValue] = Field(description="the arguments that reached the engine")
    versions: dict[str, str] = Field(description="of the libraries that took part")


class Timing(Contract):
    """When the transcript was made and how long each stage took, in seconds."""

    created_at: datetime
    fetch_s: float
    decode_s: float
    engine_s: float


class Transcript(Contract):
    """`transcript.json`: written first and once; every other file of the set is a pure function of it."""

    schema_version: Literal[1] = 1
    task: str
    language: str = Field(description="with `channels: separate` that of the channel with most speech")
    duration: float = Field(description="seconds of audio")
    text: str
    segments: list[Segment]
    words: list[Word] = Field(default_factory=list, description="all words; empty unless asked for")
    usage: Usage
    job: Job
    input: Source
    quality: Quality
    provenance: Provenance
    timing: Timing


class ResultFile(Contract):
    """One file of a result set."""

    key: str = Field(description="within the bucket of the result set")
    content_type: str
    bytes: int
    sha256: str


class Manifest(Contract):
    """`manifest.json`: written last; whoever waits for it sees a whole result set."""

    schema_version: Literal[1] = 1
    job_id: str
    fingerprint: str
    files: list[ResultFile]
    outcome: OutcomeEvent = Field(description="the value of the outcome event, verbatim")
