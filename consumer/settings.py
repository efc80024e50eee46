"""Every setting of the service: its variable, type, unit, default and meaning.

Variables are `STENO_<GROUP>__<FIELD>`, from the environment or a `.env` file; `AWS_*` and `OTEL_*` keep their
standard meaning and are read by their own libraries.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self, cast

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from consumer.core.failures import ExitCode, FatalError
from contracts.requests import PrefixUri, split_s3_uri

PREFIX: Final = "STENO_"
DELIMITER: Final = "__"
ENV_FILE: Final = ".env"
_SERVER: Final = r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
_LAST_PORT: Final = 65535
_TOPIC_NAME: Final = r"[A-Za-z0-9._-]{1,249}"


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _with_slash(uri: str) -> str:
    return uri if uri.endswith("/") else uri + "/"


def _prefix_from_bucket(value: object) -> object:
    is_bare_bucket = isinstance(value, str) and value.startswith("s3://") and "/" not in value.removeprefix("s3://")
    return f"{value}/" if is_bare_bucket else value


Prefix = Annotated[PrefixUri, BeforeValidator(_prefix_from_bucket), AfterValidator(_with_slash)]
Prefixes = Annotated[tuple[Prefix, ...], NoDecode, BeforeValidator(_split_commas)]


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


def _check_servers(text: str) -> str:
    """Host and port of each server; the port may be left to the client, an IPv6 address stands in brackets."""
    for server in text.split(","):
        found = re.fullmatch(_SERVER, server.strip())
        if not found or not 0 < int(found["port"] or 1) <= _LAST_PORT:
            raise ValueError(
                f"{server.strip()!r} is no host:port; write broker:9092 or [::1]:9092, several with commas"
            )
        if found["address"]:
            ipaddress.IPv6Address(found["address"])
    return text


Servers = Annotated[str, AfterValidator(_check_servers)]


class Group(BaseModel):
    """Base of one group of settings."""

    model_config = ConfigDict(frozen=True)


class WorkerSettings(Group):
    """This worker among others."""

    id: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="name in events; unset: host and process id",
    )
    deployment: str = Field("default", pattern=r"^[A-Za-z0-9._-]+$", description="last part of the events' `source`")


class KafkaSettings(Group):
    """The broker."""

    bootstrap_servers: Servers = Field("localhost:9092", min_length=1, description="host:port, several with commas")
    group_id: str = Field("transcription-workers", min_length=1, description="consumer group")


class TopicSettings(Group):
    """Topic names; the others derive from `requests` unless named."""

    requests: str = Field("transcription.requests", min_length=1, description="requests in")
    results: str = Field("", description="outcome events; unset: `requests` with `.results` as its last part")
    progress: str = Field("", description="progress events; unset: likewise with `.progress`")
    dlt: str = Field("", description="dead letters; unset: `requests` followed by `-dlt`")
    publish_progress: bool = Field(True, description="whether progress events are published")

    @model_validator(mode="after")
    def _derive(self) -> Self:
        stem = self.requests.removesuffix(".requests")
        derived = {
            "results": self.results or f"{stem}.results",
            "progress": self.progress or f"{stem}.progress",
            "dlt": self.dlt or f"{self.requests}-dlt",
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        names = [self.requests, *derived.values()]
        if faulty := [name for name in names if not re.fullmatch(_TOPIC_NAME, name)]:
            raise ValueError(f"{faulty[0]!r} is no topic name; use letters, digits, '.', '_' and '-', 249 at most")
        if len(set(names)) < len(names):
            raise ValueError(
                f"two topics have one name ({', '.join(names)}): what is published would be read as requests"
            )
        return self


class S3Settings(Group):
    """Where objects are and which ones may be touched."""

    results: Prefix = Field("s3://transcripts/", description="result sets of requests without `output.uri`")
    uploads: Prefix = Field("s3://media/uploads/", description="where `steno submit` puts files")
    state: Prefix | None = Field(None, description="coordination objects; unset: `.steno/` under `results`")
    allowed_inputs: Prefixes = Field((), description="prefixes that requests may read, with commas; unset: any")
    allowed_outputs: Prefixes = Field((), description="prefixes that requests may write; unset: only `results`")

    @model_validator(mode="after")
    def _derive(self) -> Self:
        object.__setattr__(self, "state", self.state or f"{self.results}.steno/")
        object.__setattr__(self, "allowed_outputs", self.allowed_outputs or (self.results,))
        return self

    @property
    def state_prefix(self) -> str:
        """The prefix of coordination objects."""
        return self.state or f"{self.results}.steno/"

    @property
    def buckets(self) -> tuple[str, ...]:
        """Buckets that the settings name, each once."""
        prefixes = (self.results, self.uploads, self.state_prefix, *self.allowed_inputs, *self.allowed_outputs)
        return tuple(dict.fromkeys(split_s3_uri(prefix)[0] for prefix in prefixes))


class MediaSettings(Group):
    """Limits on one input."""

    max_bytes: int = Field(2 * 1024**3, gt=0, description="largest object, in bytes")
    max_duration_s: float = Field(4 * 3600, gt=0, description="longest audio, in seconds")
    min_duration_s: float = Field(0.1, gt=0, description="shortest audio, in seconds")
    max_streams: int = Field(64, gt=0, description="most streams in one file")
    max_channels: int = Field(32, gt=0, le=1024, description="most channels that are mixed down")
    max_tracks: int = Field(8, gt=0, le=16, description="most channels that are transcribed separately")
    min_sample_rate_hz: int = Field(4000, ge=1000, description="lowest sample rate, in Hz")
    max_sample_rate_hz: int = Field(768_000, gt=0, description="highest sample rate, in Hz")
    min_decoded_share: float = Field(
        0.5, ge=0, le=1, description="share of its audio that a damaged file must yield; 0 takes whatever is left"
    )
    decode_timeout_s: float = Field(600, gt=0, description="longest time one file may take to decode, in seconds")
    decode_memory_bytes: int = Field(1024**3, ge=256 * 1024**2, description="memory one decoder may use, in bytes")


class EngineKind(StrEnum):
    """Which engine transcribes."""

    FASTER_WHISPER = "faster-whisper"
    FAKE = "fake"


class EngineSettings(Group):
    """The model and the device it runs on."""

    kind: EngineKind = Field(
        EngineKind.FASTER_WHISPER, description="`faster-whisper`, or `fake`: no weights, made-up text in milliseconds"
    )
    model: str = Field("base", min_length=1, description="model name, or path of a CTranslate2 model's folder")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="`auto`, `cpu`, `cuda` or `cuda:N`")
    compute_type: str = Field("auto", min_length=1, description="CTranslate2 compute type; `auto`: the device's best")
    slots: int = Field(
        0, ge=0, le=64, description="jobs at once; 0: one on a GPU, else one for each core, at most four"
    )
    cpu_threads: int = Field(0, ge=0, description="threads of one job on a CPU; 0: the cores shared among the slots")
    job_timeout_s: float = Field(4 * 3600, gt=0, description="longest time one transcription may take, in seconds")
    timeout_ratio: float = Field(
        30, ge=0, description="of it, seconds for one second of audio, on top of 300; 0: any file may take the longest"
    )
    models_bytes: int = Field(
        8 * 1024**3, gt=0, description="weights held at once, in bytes on disk; the longest unused model goes first"
    )
    recycle_jobs: int = Field(1000, ge=0, description="jobs after which the engine process is replaced; 0: never")
    recycle_rss_bytes: int = Field(
        0, ge=0, description="memory above which it is replaced between jobs, in bytes (Linux); 0: never"
    )
    max_rss_bytes: int = Field(
        0, ge=0, description="memory above which it is ended with a job in it, in bytes (Linux); 0: never"
    )
    fake_switches: str = Field(
        "", description="trouble that each job of the fake engine makes: words such as `slow=2`, `crash`, `hang`, `oom`"
    )


class ModelSettings(Group):
    """Where weights are."""

    dir: Path = Field(
        Path.home() / ".cache" / "steno" / "models", description="cache of model weights, a folder per model"
    )
    allowed: Names = Field((), description="models that requests may name beside `STENO_ENGINE__MODEL`, with commas")
    preload: Names = Field(
        (), description="further models to fetch at a worker's start, with commas; `allowed` are fetched anyway"
    )
    offline: bool = Field(False, description="never ask the model hub (`HF_ENDPOINT`, `HF_TOKEN`) for missing weights")

    def names_with(self, model: str) -> tuple[str, ...]:
        """Every model that these settings and `STENO_ENGINE__MODEL` name, each once, the latter first."""
        return tuple(dict.fromkeys((model, *self.allowed, *self.preload)))


class ShutdownSettings(Group):
    """How the worker ends."""

    grace_s: float = Field(60, ge=0, description="time that jobs in flight get to finish after SIGTERM, in seconds")


class HealthSettings(Group):
    """The health endpoints."""

    host: str = Field("127.0.0.1", min_length=1, description="address to bind; `0.0.0.0` for probes from outside")
    port: int = Field(8080, ge=0, le=65535, description="port of /livez and /readyz; 0 takes a free one")


class ScratchSettings(Group):
    """Local disk for media in flight."""

    dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()),
        description="folder for media in flight, where files have no name; unset: the system's temporary folder",
    )


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(Group):
    """Log lines on standard error."""

    format: LogFormat = Field(LogFormat.JSON, description="`json` or `text`")
    level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`")


class Settings(BaseSettings):
    """All settings, frozen. Built in `__main__` and known to `app` alone."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_file=ENV_FILE, env_file_encoding="utf-8",
        env_ignore_empty=True, frozen=True, extra="ignore", case_sensitive=False,
    )  # fmt: skip

    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    s3: S3Settings = Field(default_factory=S3Settings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    shutdown: ShutdownSettings = Field(default_factory=ShutdownSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    scratch: ScratchSettings = Field(default_factory=ScratchSettings)
    log: LogSettings = Field(default_factory=LogSettings)


def variables() -> Iterator[tuple[str, str, str]]:
    """Every variable with its default as text, empty where it is worked out, and its meaning; by groups."""
    for group_name, group in Settings.model_fields.items():
        for name, field in cast("type[Group]", group.annotation).model_fields.items():
            default = "" if field.default_factory else _default_text(field.default)
            yield f"{PREFIX}{group_name}{DELIMITER}{name}".upper(), default, field.description or ""


def load_settings() -> Settings:
    """Reads the environment and `.env`.

    Raises:
        FatalError: with `BAD_SETTINGS`; the message names every faulty variable, one a line.
    """
    faults: list[str] = []
    try:
        faults += unknown_variables([*os.environ, *dotenv_values(ENV_FILE)])
        settings = Settings()
    except ValidationError as exc:
        faults += [_fault(error["loc"], error["msg"]) for error in exc.errors(include_url=False)]
    except SettingsError as exc:  # the value of a whole group, which is named among the unknown ones already
        faults = faults or [str(exc)]
    except (OSError, UnicodeError) as exc:
        faults.append(f"the file {ENV_FILE} cannot be read: {exc}")
    if faults:
        raise FatalError(ExitCode.BAD_SETTINGS, "\n".join(dict.fromkeys(faults)))
    return settings


def origins() -> dict[str, str]:
    """Where each variable that is set and not empty comes from: `environment`, or the name of the file.

    Raises:
        OSError: the file cannot be read.
    """
    from_file = {name.upper(): ENV_FILE for name, value in dotenv_values(ENV_FILE).items() if value}
    return from_file | {name.upper(): "environment" for name, value in os.environ.items() if value}


def unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """One sentence for each `STENO_<GROUP>__*` or `STENO_<GROUP>` name that is no setting, naming the nearest one.

    Other names without `__` are not ours: Kubernetes injects `STENO_PORT` and the like for a Service called steno.
    """
    known = [variable for variable, _, _ in variables()]
    groups = {f"{PREFIX}{group}".upper() for group in Settings.model_fields}
    for name in dict.fromkeys(name.upper() for name in names):
        is_ours = name in groups or (name.startswith(PREFIX) and DELIMITER in name)
        if is_ours and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            yield f"{name} is not a setting; did you mean {nearest}?"


def _fault(location: tuple[int | str, ...], message: str) -> str:
    variable = PREFIX + DELIMITER.join(str(part) for part in location[:2]).upper()
    text = message.removeprefix("Value error, ")
    return f"{variable}: {text[0].lower()}{text[1:]}"


def _default_text(default: object) -> str:
    if isinstance(default, Path):
        return str(default).replace(str(Path.home()), "~")
    if default is None or default in ((), ""):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def as_environment(values: Mapping[str, str | int | float | Path]) -> dict[str, str]:
    """Text form of settings for a child process's environment, from `group.field` names."""
    return {f"{PREFIX}{name.replace('.', DELIMITER)}".upper(): str(value) for name, value in values.items()}
