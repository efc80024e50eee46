"""Media to samples with PyAV, inside the decoder process.

The samples are exactly those of `faster_whisper.audio.decode_audio`: the same grouping and the same resampler.
Here they are streamed, so memory does not grow with the length of the audio.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from typing import BinaryIO, Final

import av
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.faults import Fault, MediaFaultError
from consumer.media.limits import DecodeLimits

CONTAINERS: Final = (
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "loas", "matroska",
    "mov", "mp3", "mpeg", "mpegts", "ogg", "tta", "voc", "w64", "wav", "webm", "wv",
)  # fmt: skip
"""FFmpeg demuxers that may be used: what speech comes in, and none that opens other files or takes images."""

_SIGNATURES: Final = ((0, b"RIFF"), (0, b"OggS"), (0, b"fLaC"), (0, b"ID3"), (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"))
"""Offsets and magic bytes of common containers: what starts so and cannot be opened is damaged."""

_GROUP_SAMPLES: Final = 500_000
"""As decode_audio groups them; the resampler's output depends on it."""
BYTES_PER_SAMPLE: Final = 2


def decode(media: BinaryIO, samples: BinaryIO, sample_rate_hz: int, limits: DecodeLimits) -> dict[str, str | int]:
    """Writes the first audio stream as int16 mono; returns what was found: `count` samples and the stream's form.

    Raises:
        MediaFaultError: the media yields no samples within the limits.
    """
    with _open(media) as container:
        stream = _first_audio(container)
        count = 0
        for frame in _resampled(_frames(container, stream), sample_rate_hz):
            count += frame.samples
            if count > limits.max_duration_s * sample_rate_hz:
                raise MediaFaultError(Fault.TOO_LONG)
            samples.write(memoryview(frame.planes[0])[: frame.samples * BYTES_PER_SAMPLE])
        samples.flush()
        if count == 0:
            raise MediaFaultError(Fault.CORRUPT)
        if count < limits.min_duration_s * sample_rate_hz:
            raise MediaFaultError(Fault.TOO_SHORT)
        return {"count": count, **_description(container, stream)}


def _open(media: BinaryIO) -> InputContainer:
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    try:
        return av.open(media, mode="r", container_options=options, metadata_errors="ignore")
    except av.FFmpegError as exc:
        raise MediaFaultError(_fault_at_open(exc, media)) from exc


def _fault_at_open(error: av.FFmpegError, media: BinaryIO) -> Fault:
    if error.errno == errno.ENOMEM:
        return Fault.OUT_OF_MEMORY
    media.seek(0)
    start = media.read(16)
    is_damaged = any(start[offset:].startswith(magic) for offset, magic in _SIGNATURES)
    return Fault.CORRUPT if is_damaged else Fault.UNSUPPORTED


def _first_audio(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise MediaFaultError(Fault.NO_AUDIO)
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise MediaFaultError(Fault.UNSUPPORTED)
    stream.codec_context.thread_count = 1
    return stream


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Frames up to the end, or to the first packet that is damaged beyond use, as decode_audio takes them."""
    try:
        yield from container.decode(stream)
    except av.InvalidDataError:
        return
    except av.FFmpegError as exc:
        fault = Fault.OUT_OF_MEMORY if exc.errno == errno.ENOMEM else Fault.CORRUPT
        raise MediaFaultError(fault) from exc


def _resampled(frames: Iterator[AudioFrame], sample_rate_hz: int) -> Iterator[AudioFrame]:
    """Resamples run by run: a stream may change its form midway, which neither queue nor resampler can take."""
    for _, run in itertools.groupby(frames, key=_form):
        resampler = AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
        for group in itertools.chain(_grouped(run), [None]):
            yield from resampler.resample(group)


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _grouped(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    queue = AudioFifo()
    for frame in frames:
        frame.pts = None  # gaps between timestamps are not filled
        queue.write(frame)
        if queue.samples >= _GROUP_SAMPLES and (group := queue.read()):
            yield group
    if group := queue.read():
        yield group


def _description(container: InputContainer, stream: AudioStream) -> dict[str, str | int]:
    return {
        "container": container.format.name,
        "codec": stream.codec_context.codec.canonical_name,
        "sample_rate_hz": stream.codec_context.sample_rate,
        "channels": stream.codec_context.channels,
    }
