"""What supervisor and engine process say to each other: orders go down, replies come up, samples go by descriptor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from consumer.children.channel import Message
from consumer.engine.config import Backend
from contracts.errors import ErrorCode
from contracts.requests import Mode
from contracts.transcript import Segment


class ProtocolError(Exception):
    """The other side said what is no message of ours. Raised from nothing: the cause would quote the content."""


@dataclass(frozen=True, slots=True)
class Open:
    """The first order: what to work with; 0 for slots and threads leaves the choice to the process."""

    backend: Backend
    device: str
    compute_type: str
    slots: int
    cpu_threads: int
    fake_switches: str = ""
    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Load:
    """Load this model; those loaded before stay."""

    model: str
    path: str
    kind: Literal["load"] = "load"


@dataclass(frozen=True, slots=True)
class Unload:
    """Drop this model, which no job uses."""

    model: str
    kind: Literal["unload"] = "unload"


@dataclass(frozen=True, slots=True)
class Start:
    """Transcribe the int16 samples in the descriptor beside this message with a loaded model."""

    job: int
    model: str
    sample_count: int
    mode: Mode
    arguments: dict[str, JsonValue]
    kind: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop after the segment under way; a job that is not there is ignored."""

    job: int
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Opened:
    """The device is there; what the process works with."""

    device: str
    compute_type: str
    slots: int
    cpu_threads: int
    versions: dict[str, str]
    notice: str | None = None
    """What `auto` had to do without, and why."""
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """The device or compute type is not to be had; the process ends."""

    message: str
    lacks_device: bool = False
    kind: Literal["open_failed"] = "open_failed"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready; what it really computes with and which languages it knows."""

    model: str
    compute_type: str
    languages: tuple[str, ...]
    kind: Literal["loaded"] = "loaded"


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded; the others stay."""

    model: str
    message: str
    kind: Literal["load_failed"] = "load_failed"


@dataclass(frozen=True, slots=True)
class Begun:
    """The job is under way: from now on it may be to blame for the end of the process."""

    job: int
    kind: Literal["begun"] = "begun"


@dataclass(frozen=True, slots=True)
class SegmentFound:
    """The next segment of a job; its end tells the progress."""

    job: int
    segment: Segment
    kind: Literal["segment"] = "segment"


@dataclass(frozen=True, slots=True)
class Done:
    """All segments of the job were sent."""

    job: int
    language: str
    language_probability: float
    kind: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended without a result; the message holds no transcript text."""

    job: int
    code: ErrorCode
    message: str
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job was stopped as ordered."""

    job: int
    kind: Literal["cancelled"] = "cancelled"


Order = Open | Load | Unload | Start | Cancel
JobReply = Begun | SegmentFound | Done | Failed | Cancelled
Reply = Opened | OpenFailed | Loaded | LoadFailed | JobReply

_ORDERS: Final[TypeAdapter[Order]] = TypeAdapter(cast("Any", Annotated[Order, Field(discriminator="kind")]))
_REPLIES: Final[TypeAdapter[Reply]] = TypeAdapter(cast("Any", Annotated[Reply, Field(discriminator="kind")]))


def pack(message: Order | Reply) -> Message:
    """The message as JSON values."""
    if isinstance(message, SegmentFound):
        return {"kind": message.kind, "job": message.job, "segment": message.segment.model_dump()}
    return asdict(message)


def unpack_order(message: Message) -> Order:
    """The order in a received message.

    Raises:
        ProtocolError: there is none.
    """
    try:
        return _ORDERS.validate_python(message)
    except ValidationError:
        raise ProtocolError(f"not an order: {message.get('kind')!r}") from None


def unpack_reply(message: Message) -> Reply:
    """The reply in a received message.

    Raises:
        ProtocolError: there is none.
    """
    try:
        return _REPLIES.validate_python(message)
    except ValidationError:
        raise ProtocolError(f"not a reply: {message.get('kind')!r}") from None
