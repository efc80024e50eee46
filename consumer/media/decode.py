"""Media to samples with PyAV, inside the decoder process.

The samples are exactly those of `faster_whisper.audio.decode_audio`: the same grouping and the same resampler.
Here they are streamed, so memory does not grow with the length of the audio; and damage does not end them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from consumer.media.containers import first_audio, open_media
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.frames import FrameReader
from consumer.media.limits import DecodeLimits
from consumer.media.probe import Probe, check, probe
from consumer.media.resample import resampled

BYTES_PER_SAMPLE: Final = 2

_INEXACT_S: Final = 1.0
"""Headers of sound files may be off by so much: some count the encoder's padding, others round."""

Answer = dict[str, str | int | float | None]


def decode(
    media: BinaryIO, outputs: Sequence[BinaryIO], sample_rate_hz: int, *, layout: str | None, limits: DecodeLimits
) -> Answer:
    """Writes the first audio stream as int16, each channel of the layout to an output of its own.

    Args:
        media: seekable.
        outputs: at least as many as the layout has channels, and `limits.max_tracks` where it is kept.
        sample_rate_hz: of the samples.
        layout: `MIX`, or None to keep the media's.
        limits: under which to work.

    Returns:
        What was found: `tracks` of `count` samples each, and what the stream was.

    Raises:
        MediaFaultError: the media yields no samples within the limits.
    """
    with open_media(media) as container:
        stream = first_audio(container, media)
        found = probe(media, container, stream)
        check(found, limits, most_tracks=None if layout else len(outputs))
        reader = FrameReader(container, stream)
        frames = resampled(reader, sample_rate_hz, layout, limits)
        tracks, count = _write(frames, outputs, int(limits.max_duration_s * sample_rate_hz))
        _check_yield(count / sample_rate_hz, found, reader, limits)
        answer: Answer = {"tracks": tracks, "count": count, **_description(container, stream)}
        return {**answer, **_damage(count / sample_rate_hz, found, reader)}


def _write(frames: Iterable[AudioFrame], outputs: Sequence[BinaryIO], most_samples: int) -> tuple[int, int]:
    """Returns the number of tracks and of samples in each."""
    tracks = count = 0
    for frame in frames:
        tracks = frame.layout.nb_channels
        count += frame.samples
        if tracks > len(outputs):
            raise MediaFaultError(Fault.TOO_MANY_TRACKS)
        if count > most_samples:
            raise MediaFaultError(Fault.TOO_LONG)
        samples = memoryview(frame.planes[0])[: frame.samples * tracks * BYTES_PER_SAMPLE].cast("h")
        for channel in range(tracks):
            outputs[channel].write(samples[channel::tracks].tobytes())
    for output in outputs:
        output.flush()
    return tracks, count


def _check_yield(decoded_s: float, found: Probe, reader: FrameReader, limits: DecodeLimits) -> None:
    """Lets pass what is long enough, and most of what the file promised."""
    if not decoded_s:
        raise MediaFaultError(reader.fault)
    good_packets = 1 - reader.damaged_packets / max(reader.packets, 1)
    good_s = decoded_s - reader.silence_s
    if min(good_packets, good_s / (found.declared_duration_s or decoded_s)) < limits.min_decoded_share:
        raise MediaFaultError(Fault.MOSTLY_LOST)
    if decoded_s < limits.min_duration_s:
        raise MediaFaultError(Fault.TOO_SHORT)


def _description(container: InputContainer, stream: AudioStream) -> Answer:
    return {
        "container": container.format.name,
        "codec": stream.codec_context.codec.canonical_name,
        "sample_rate_hz": stream.codec_context.sample_rate,
        "channels": stream.codec_context.channels,
    }


def _damage(decoded_s: float, found: Probe, reader: FrameReader) -> Answer:
    damaged_packets = reader.damaged_packets or int(found.is_incomplete)
    missing_s = max((found.declared_duration_s or decoded_s) - decoded_s, 0.0)
    if not damaged_packets and missing_s < _INEXACT_S:
        missing_s = 0.0
    return {
        "declared_duration_s": found.declared_duration_s,
        "damaged_packets": damaged_packets,
        "lost_s": reader.silence_s + missing_s,
    }
