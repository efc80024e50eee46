"""What a decoder's answer and its end mean."""

from __future__ import annotations

import signal

import pytest

from consumer.children.channel import Message
from consumer.core.failures import JobError, PermanentError
from consumer.media.answers import Decoded, read_answer, timed_out, unanswered
from consumer.media.faults import Fault
from consumer.media.limits import DecodeLimits
from consumer.media.messages import FAULTS
from consumer.ports import MediaInfo
from contracts.errors import VERDICTS, ErrorCode, Verdict

LIMITS = DecodeLimits(max_duration_s=3600, timeout_s=30, memory_bytes=1024)
GOOD: Message = {
    "tracks": 2, "count": 100, "container": "mov,mp4,m4a", "codec": "aac", "sample_rate_hz": 48_000, "channels": 2,
    "declared_duration_s": 0.01, "damaged_packets": 3, "lost_s": 0.5,
}  # fmt: skip
WRITTEN = (200, 202, 0)


def test_a_good_answer_is_read() -> None:
    assert read_answer(GOOD, sample_bytes=WRITTEN, limits=LIMITS) == Decoded(
        tracks=2, count=100, media=MediaInfo("mov,mp4,m4a", "aac", 48_000, 2, 0.01, 3, 0.5)
    )


def test_a_header_may_tell_no_duration() -> None:
    decoded = read_answer({**GOOD, "declared_duration_s": None}, sample_bytes=WRITTEN, limits=LIMITS)
    assert decoded.media.declared_duration_s is None


@pytest.mark.parametrize(
    "change",
    [
        {"count": 101}, {"count": 0}, {"count": -1}, {"count": "100"}, {"count": True}, {"count": 1.5}, {"count": None},
        {"container": "a" * 65}, {"container": ""}, {"container": "secret words"}, {"container": 1},
        {"codec": "aac\n"}, {"codec": ["aac"]}, {"sample_rate_hz": 0}, {"sample_rate_hz": 10**12}, {"channels": 10**6},
        {"channels": {}}, {"tracks": 0}, {"tracks": 3}, {"tracks": 4}, {"damaged_packets": -1},
        {"declared_duration_s": -1.0}, {"declared_duration_s": float("nan")}, {"declared_duration_s": "1"},
        {"lost_s": -0.1}, {"lost_s": None}, {"fault": "made up"}, {"fault": None}, {"fault": ["corrupt"]},
    ],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_a_failed_decoder(change: Message) -> None:
    with pytest.raises(PermanentError) as caught:
        read_answer({**GOOD, **change}, sample_bytes=WRITTEN, limits=LIMITS)
    assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED


@pytest.mark.parametrize("missing", GOOD)
def test_an_incomplete_answer_is_a_failed_decoder(missing: str) -> None:
    answer = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(PermanentError) as caught:
        read_answer(answer, sample_bytes=WRITTEN, limits=LIMITS)
    assert caught.value.code is ErrorCode.MEDIA_DECODER_FAILED


@pytest.mark.parametrize(
    ("fault", "code", "advice"),
    [
        (Fault.EMPTY, ErrorCode.MEDIA_CORRUPT, "Provide it whole"),
        (Fault.UNSUPPORTED, ErrorCode.MEDIA_UNSUPPORTED, "Convert it"),
        (Fault.NO_AUDIO, ErrorCode.MEDIA_NO_AUDIO, "Check"),
        (Fault.CORRUPT, ErrorCode.MEDIA_CORRUPT, "Provide it whole"),
        (Fault.TOO_LONG, ErrorCode.INPUT_TOO_LONG, "3600 s. Split it, or raise STENO_MEDIA__MAX_DURATION_S"),
        (Fault.TOO_SHORT, ErrorCode.INPUT_TOO_SHORT, "shorter than 0.1 s"),
        (Fault.UNKNOWN_CODEC, ErrorCode.MEDIA_UNSUPPORTED, "codec that is not read. Convert"),
        (Fault.MOSTLY_LOST, ErrorCode.MEDIA_CORRUPT, "under 50% of its audio"),
        (Fault.TOO_MANY_STREAMS, ErrorCode.MEDIA_UNSUPPORTED, "over 64 streams (STENO_MEDIA__MAX_STREAMS)"),
        (Fault.TOO_MANY_CHANNELS, ErrorCode.MEDIA_UNSUPPORTED, "over 32 channels (STENO_MEDIA__MAX_CHANNELS)"),
        (Fault.TOO_MANY_TRACKS, ErrorCode.MEDIA_UNSUPPORTED, "Ask for 'channels': 'mix'"),
        (Fault.SAMPLE_RATE, ErrorCode.MEDIA_UNSUPPORTED, "outside 4000 to 768000 Hz"),
        (Fault.OUT_OF_MEMORY, ErrorCode.MEDIA_DECODER_FAILED, "1024 bytes"),
        (Fault.MACHINE, ErrorCode.INTERNAL, "STENO_SCRATCH__DIR"),
    ],
)
def test_each_fault_has_its_code_and_says_what_to_do(fault: Fault, code: ErrorCode, advice: str) -> None:
    with pytest.raises(JobError) as caught:
        read_answer({"fault": fault.value}, sample_bytes=(), limits=LIMITS)
    assert caught.value.code is code
    assert advice in caught.value.message


def test_no_word_of_a_decoder_pauses_the_worker() -> None:
    """A decoder may have been taken over by its media."""
    assert Verdict.OUTAGE not in {VERDICTS[code] for code, _ in FAULTS.values()}


def test_no_fault_is_without_a_message() -> None:
    assert set(FAULTS) == set(Fault)


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (-signal.SIGKILL, "memory"),
        (-signal.SIGSEGV, "crashed with SIGSEGV"),
        (-signal.SIGABRT, "crashed with SIGABRT"),
        (-signal.SIGTERM, "was ended from outside by SIGTERM"),
        (-signal.SIGXCPU, "within 30 s"),
        (-99, "from outside by signal 99"),
        (1, "status 1"),
        (0, "no answer"),
    ],
)
def test_a_decoder_that_died_says_how(status: int, what: str) -> None:
    error = unanswered(status, LIMITS)
    assert error.code is ErrorCode.MEDIA_DECODER_FAILED
    assert what in error.message


def test_a_timeout_names_its_setting() -> None:
    error = timed_out(LIMITS)
    assert error.code is ErrorCode.MEDIA_DECODER_FAILED
    assert "STENO_MEDIA__DECODE_TIMEOUT_S" in error.message
