"""The engine and its models."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import Field

from consumer.settings.group import Group
from consumer.settings.notation import Bytes, Device, Folder, ModelName, ModelNames, Seconds, Switches, home


class EngineKind(StrEnum):
    """Which engine transcribes."""

    FASTER_WHISPER = "faster-whisper"
    FAKE = "fake"


class ComputeType(StrEnum):
    """CTranslate2's types, and two ways to leave the choice open."""

    AUTO = "auto"
    """Ours: float16 on a GPU and int8 on a CPU."""
    DEFAULT = "default"
    """The type that the weights are stored in."""
    INT8 = "int8"
    INT8_FLOAT32 = "int8_float32"
    INT8_FLOAT16 = "int8_float16"
    INT8_BFLOAT16 = "int8_bfloat16"
    INT16 = "int16"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class EngineSettings(Group):
    """The model and the device it runs on."""

    kind: EngineKind = Field(
        EngineKind.FASTER_WHISPER, description="`faster-whisper`, or `fake`: no weights, made-up text in milliseconds"
    )
    model: ModelName = Field("base", description="model name, or path of a CTranslate2 model's folder")
    device: Device = Field("auto", description="`auto`, `cpu`, `cuda` or `cuda:N`")
    compute_type: ComputeType = Field(
        ComputeType.AUTO, description="CTranslate2 compute type, such as `int8`; `auto`: the device's best"
    )
    slots: int = Field(
        0, ge=0, le=64, description="jobs at once; 0: one on a GPU, else one for each core, at most four"
    )
    cpu_threads: int = Field(
        0, ge=0, le=256, description="threads of one job on a CPU; 0: the cores shared among the slots"
    )
    job_timeout_s: Seconds = Field(4 * 3600, gt=0, description="longest time one transcription may take, in seconds")
    timeout_ratio: float = Field(
        30, ge=0, description="of it, seconds for one second of audio, on top of 300; 0: any file may take the longest"
    )
    models_bytes: Bytes = Field(
        8 * 1024**3, gt=0, description="weights held at once, in bytes on disk; the longest unused model goes first"
    )
    recycle_jobs: int = Field(1000, ge=0, description="jobs after which the engine process is replaced; 0: never")
    recycle_rss_bytes: Bytes = Field(
        0, ge=0, description="memory above which it is replaced between jobs, in bytes (Linux); 0: never"
    )
    max_rss_bytes: Bytes = Field(
        0, ge=0, description="memory above which it is ended with a job in it, in bytes (Linux); 0: never"
    )
    fake_switches: Switches = Field(
        "", description="trouble that each job of the fake engine makes: words such as `slow=2`, `crash`, `hang`, `oom`"
    )

    def contradictions(self) -> Iterator[str]:
        """Limits on memory of which one leaves nothing to the other, and trouble that nobody would make."""
        if self.fake_switches and self.kind is not EngineKind.FAKE:
            yield f"STENO_ENGINE__FAKE_SWITCHES does nothing with STENO_ENGINE__KIND={self.kind}; unset one of them"
        if 0 < self.max_rss_bytes <= self.recycle_rss_bytes:
            yield (
                f"STENO_ENGINE__RECYCLE_RSS_BYTES ({self.recycle_rss_bytes}) must be below "
                f"STENO_ENGINE__MAX_RSS_BYTES ({self.max_rss_bytes}), which ends jobs in their midst"
            )


class ModelSettings(Group):
    """Where weights are."""

    dir: Folder = Field(
        home() / ".cache" / "steno" / "models", description="cache of model weights, a folder per model"
    )
    allowed: ModelNames = Field(
        (), description="models that requests may name beside `STENO_ENGINE__MODEL`, with commas"
    )
    preload: ModelNames = Field(
        (), description="further models to fetch at a worker's start, with commas; `allowed` are fetched anyway"
    )
    preload_force: bool = Field(
        False, description="fetch models anew at a worker's start though they are here and whole"
    )
    offline: bool = Field(False, description="never ask the model hub (`HF_ENDPOINT`, `HF_TOKEN`) for missing weights")

    def contradictions(self) -> Iterator[str]:
        """What can only be fetched where nothing may be."""
        if self.preload_force and self.offline:
            yield "STENO_MODELS__PRELOAD_FORCE fetches, which STENO_MODELS__OFFLINE forbids; unset one of them"

    def names_with(self, model: str) -> tuple[str, ...]:
        """Every model that these settings and `STENO_ENGINE__MODEL` name, each once, the latter first."""
        return tuple(dict.fromkeys((model, *self.allowed, *self.preload)))
