"""What a producer asks for: one transcription of one object."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from contracts.instants import Instant
from contracts.languages import LANGUAGES

SCHEMA_VERSION: Final = 1
"""The version of the request that this package reads and writes."""

JOB_ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
TENANT_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_S3_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.*)", re.DOTALL)
_MAX_KEY_BYTES: Final = 1024
_MAX_METADATA_BYTES: Final = 8192


class Contract(BaseModel):
    """Base of everything that crosses a border: immutable, no coercion, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Splits `s3://bucket/key` into bucket and key; the key is raw, never percent-decoded.

    Raises:
        ValueError: not an S3 URI, or a key over S3's 1,024 bytes.
    """
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise ValueError("expected s3://bucket/key")
    if len(match["key"].encode(errors="surrogatepass")) > _MAX_KEY_BYTES:
        raise ValueError(f"the key is longer than {_MAX_KEY_BYTES} bytes")
    return match["bucket"], match["key"]


def _is_object_uri(uri: str) -> str:
    if not split_s3_uri(uri)[1]:
        raise ValueError("names a bucket but no object; expected s3://bucket/key")
    return uri


def _is_prefix_uri(uri: str) -> str:
    _, key = split_s3_uri(uri)
    parts = key.removesuffix("/").split("/")
    if key and any(part in ("", ".", "..") for part in parts):
        raise ValueError("a prefix may not hold an empty, '.' or '..' segment")
    return uri


def _is_known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; expected a Whisper code such as 'en', 'de' or 'ja'")
    return language


# The extra keys below say in the JSON Schema what a validator says here, for who validates without Python.
_BUCKET: Final = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/"
_SEGMENT: Final = r"(?:[^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+)"
ObjectUri = Annotated[str, AfterValidator(_is_object_uri), Field(json_schema_extra={"pattern": rf"{_BUCKET}[\s\S]"})]
PrefixUri = Annotated[
    str,
    AfterValidator(_is_prefix_uri),
    Field(json_schema_extra={"pattern": rf"{_BUCKET}(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?$"}),
]
JobId = Annotated[str, StringConstraints(pattern=JOB_ID_PATTERN)]
Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[!-~]+$")]
"""Visible ASCII: what a header of HTTP can carry. Anything else would fail in the client, on every try."""
Language = Annotated[str, AfterValidator(_is_known_language), Field(json_schema_extra={"enum": list(LANGUAGES)})]
Temperature = Annotated[float, Field(ge=0.0, le=1.0, strict=False)]


class OutputFormat(StrEnum):
    """A rendering of the transcript; `json` is always written."""

    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    TXT = "txt"
    TSV = "tsv"


class Task(StrEnum):
    """Whether to write down what is said, or its English translation."""

    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"


class Mode(StrEnum):
    """How the engine walks through the audio."""

    SEQUENTIAL = "sequential"
    """Window after window, each with the text before it: the most faithful."""
    BATCHED = "batched"
    """Speech chunks side by side: several times faster, without temperature fallback."""


class Channels(StrEnum):
    """What becomes of media with several channels, such as a call with a party on each."""

    MIX = "mix"
    """Mixed down to one before it is transcribed."""
    SEPARATE = "separate"
    """Each transcribed on its own; segments are merged by time and tell their channel."""


class VadParameters(BaseModel):
    """Settings of the Silero voice activity detector; what is absent keeps faster-whisper's default."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    threshold: float | None = Field(
        default=None, ge=0.0, le=1.0, description="probability above which a chunk is speech"
    )
    neg_threshold: float | None = Field(default=None, ge=0.0, le=1.0, description="probability below which speech ends")
    min_speech_duration_ms: int | None = Field(default=None, ge=0, description="shorter speech is dropped")
    max_speech_duration_s: float | None = Field(default=None, gt=0, description="longer speech is split")
    min_silence_duration_ms: int | None = Field(default=None, ge=0, description="silence that ends a speech chunk")
    speech_pad_ms: int | None = Field(default=None, ge=0, le=10_000, description="padding on each side of speech")


_VAD_IS_ON: Final[JsonValue] = {
    "anyOf": [
        {"properties": {"vad": {"const": True}}, "required": ["vad"]},
        {"properties": {"mode": {"const": "batched"}}, "required": ["mode"]},
    ]
}
_OPTION_RULES: Final[list[JsonValue]] = [
    {"not": {"properties": {"mode": {"const": "batched"}, "vad": {"const": False}}, "required": ["mode", "vad"]}},
    {"if": {"properties": {"vad_parameters": {"type": "object"}}, "required": ["vad_parameters"]}, "then": _VAD_IS_ON},
]
"""In JSON Schema what `Options._fits_together` says."""


class Options(BaseModel):
    """How to transcribe. An unknown name is an error: a typo must not change a transcript silently.

    Defaults, null included, are those of faster-whisper's own call in the chosen mode.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, json_schema_extra={"allOf": _OPTION_RULES}
    )

    task: Task = Field(default=Task.TRANSCRIBE, description="`transcribe`, or `translate` into English")
    language: Language | None = Field(default=None, description="Whisper's language code; null detects it")
    model: str | None = Field(
        default=None, min_length=1, max_length=256, description="model name; null is the worker's own"
    )
    mode: Mode | None = Field(default=None, description="`sequential` (also null) or `batched`")
    word_timestamps: bool = Field(default=False, description="give every word its own times")
    temperature: tuple[Temperature, ...] = Field(
        default=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
        min_length=1,
        max_length=16,
        description="tried in order while decoding fails",
    )
    initial_prompt: str | None = Field(default=None, max_length=4096, description="text that precedes the first window")
    hotwords: str | None = Field(default=None, max_length=4096, description="words to expect in every window")
    beam_size: int = Field(default=5, ge=1, le=32, description="beams of the search at temperature 0")
    vad: bool | None = Field(default=None, description="drop what is not speech first; null is off, on in batched mode")
    vad_parameters: VadParameters | None = Field(default=None, description="settings of the voice activity detector")
    channels: Channels = Field(
        default=Channels.MIX, description="`mix` them, or transcribe each and merge by time (`separate`)"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mode is Mode.BATCHED and self.vad is False:
            raise ValueError("batched mode needs its voice activity detector: drop 'vad' or set it to true")
        if self.vad_parameters is not None and not self.uses_vad:
            raise ValueError("'vad_parameters' without 'vad': set 'vad' to true")
        return self

    @property
    def uses_vad(self) -> bool:
        """Whether silence is dropped before transcription."""
        return self.mode is Mode.BATCHED if self.vad is None else self.vad


class Input(Contract):
    """The object to transcribe."""

    uri: ObjectUri = Field(description="s3://bucket/key, the key as it is, not percent-encoded")
    version_id: HeaderText | None = Field(default=None, max_length=1024, description="exact version of the object")
    etag: HeaderText | None = Field(default=None, max_length=256, description="refuse the object if its ETag differs")
    size_bytes: int | None = Field(
        default=None, ge=0, description="size, if known: too large is refused before any fetch"
    )


class Output(Contract):
    """Where the result set goes and in which forms."""

    uri: PrefixUri | None = Field(default=None, description="prefix for the result set; null is the worker's own")
    formats: tuple[OutputFormat, ...] = Field(
        default=tuple(OutputFormat),
        min_length=1,
        max_length=16,
        description="`json` is written even when it is not named",
    )


class TranscriptionRequest(Contract):
    """One job: what to transcribe, how, and where to put the result set. Only `input.uri` is required."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, description="version of this contract")
    job_id: JobId | None = Field(default=None, description="names the job; derived from input and options when absent")
    input: Input
    output: Output = Output()
    options: Options = Options()
    tenant: Tenant | None = Field(
        default=None, description="on whose behalf; a job id names a job within its tenant, and nothing is shared"
    )
    deadline: Instant | None = Field(
        default=None, description="a job that is not done by then ends as cancelled with `DEADLINE_EXCEEDED`"
    )
    correlation_id: str | None = Field(default=None, max_length=256, description="echoed in events")
    metadata: dict[str, str] = Field(default_factory=dict, max_length=64, description="echoed in result and events")

    @model_validator(mode="after")
    def _metadata_is_small(self) -> Self:
        size = sum(len(key) + len(value) for key, value in self.metadata.items())
        if size > _MAX_METADATA_BYTES:
            raise ValueError(f"metadata holds {size} characters, at most {_MAX_METADATA_BYTES} are allowed")
        return self
