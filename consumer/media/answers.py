"""What a decoder's end means. A decoder may have been taken over by its media, so its word is checked."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumer.children.channel import Message
from consumer.children.ending import signal_name
from consumer.core.failures import PermanentError, TransientError
from consumer.media.faults import Fault
from consumer.media.limits import DecodeLimits
from consumer.media.messages import FAULTS
from consumer.ports import MediaInfo
from contracts.errors import VERDICTS, ErrorCode, Verdict

_NAME: Final = re.compile(r"[a-z0-9_,.-]{1,64}", re.ASCII)
_CRASHES: Final = frozenset(
    (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP)
)
"""Signals that a process brings upon itself; any other comes from outside."""
_MOST_CHANNELS: Final = 1024
_HIGHEST_RATE_HZ: Final = 100_000_000
_MOST_PACKETS: Final = 2**40
_LONGEST_S: Final = 1e9


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder says it wrote."""

    tracks: int
    count: int
    """Samples in each track."""
    media: MediaInfo


def read_answer(answer: Message, *, sample_bytes: Sequence[int], limits: DecodeLimits) -> Decoded:
    """What the decoder wrote, and what the media was.

    Args:
        answer: as the decoder sent it.
        sample_bytes: how much there is in each of its outputs.
        limits: under which it worked.

    Raises:
        PermanentError: the media is at fault, or the answer makes no sense.
        TransientError: `INTERNAL`, the machine is.
    """
    if "fault" in answer:
        raise _fault_error(answer["fault"], limits)
    try:
        media = MediaInfo(
            container=_name(answer["container"]),
            codec=_name(answer["codec"]),
            sample_rate_hz=_number(answer["sample_rate_hz"], _HIGHEST_RATE_HZ),
            channels=_number(answer["channels"], _MOST_CHANNELS),
            declared_duration_s=_duration(answer["declared_duration_s"]),
            lost_s=_seconds(answer["lost_s"]),
            damaged_packets=_number(answer["damaged_packets"], _MOST_PACKETS, smallest=0),
        )
        tracks = _number(answer["tracks"], len(sample_bytes))
        return Decoded(tracks, _number(answer["count"], min(sample_bytes[:tracks]) // 2), media)
    except (KeyError, ValueError) as exc:
        raise decoder_failed("gave an answer that makes no sense") from exc


def unanswered(status: int, limits: DecodeLimits) -> PermanentError:
    """A decoder ended without an answer; its exit status is negative for a signal."""
    if status == -signal.SIGXCPU:
        return timed_out(limits)
    if status == -signal.SIGKILL:
        return decoder_failed("was killed, most likely because memory ran out")
    if -status in _CRASHES:
        return decoder_failed(f"crashed with {signal_name(-status)}")
    if status < 0:
        return decoder_failed(f"was ended from outside by {signal_name(-status)}")
    return decoder_failed(f"ended with status {status} and no answer")


def timed_out(limits: DecodeLimits) -> PermanentError:
    """A decoder was ended at its deadline."""
    return decoder_failed(f"did not finish within {limits.timeout_s:g} s (STENO_MEDIA__DECODE_TIMEOUT_S)")


def decoder_failed(what: str) -> PermanentError:
    """The decoder itself failed, which sound media hardly causes."""
    return PermanentError(
        ErrorCode.MEDIA_DECODER_FAILED,
        f"The decoder {what}. Convert the file, for example to FLAC or WAV, and try again.",
    )


def _fault_error(word: object, limits: DecodeLimits) -> PermanentError | TransientError:
    fault = next((fault for fault in Fault if fault == word), None)
    if fault is None:
        return decoder_failed("gave an answer that makes no sense")
    code, message = FAULTS[fault]
    # Never an outage, whatever the table says: a decoder that its media has taken over must not pause the worker.
    kind = PermanentError if VERDICTS[code] is Verdict.PERMANENT else TransientError
    return kind(code, message.format(limits=limits))


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("not a name")
    return value


def _number(value: object, largest: int, *, smallest: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise ValueError("not a number in range")
    return value


def _duration(value: object) -> float | None:
    return None if value is None else _seconds(value)


def _seconds(value: object) -> float:
    if not isinstance(value, float) or not 0 <= value <= _LONGEST_S:
        raise ValueError("not a duration")
    return round(value, 4)
