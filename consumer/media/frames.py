"""Frames of one audio stream to its end, whatever is damaged on the way.

faster-whisper's `decode_audio` means to skip invalid frames, and stops at the first one: its generator is spent then,
and the rest of the recording is lost without a sign. Here damage is counted and decoding goes on. Silence stands for
what the timestamps say is missing, so that all later times stay right. Of sound media these are exactly the frames
that `decode_audio` sees, which fills no gaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from consumer.media.errors import fault_of
from consumer.media.faults import Fault, MediaFaultError

_MOST_READ_FAULTS: Final = 100
"""Read errors in a row, after which nothing more is expected."""
_LONGEST_GAP_S: Final = 60.0
"""A longer jump of timestamps is damage itself."""
_MOST_PLANES: Final = 8
"""FFmpeg's frames hold so many in place. PyAV finds their number by a null pointer, which may be missing behind."""
_SILENCE: Final = {"u8": 0x80, "u8p": 0x80}
"""The byte that silence is made of, where it is not zero."""


class FrameReader:
    """Reads a stream once."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        """Borrows the container."""
        self._container = container
        self._stream = stream
        self._first_error: av.FFmpegError | None = None
        self._end_s: float | None = None
        self._damage_before = 0
        self.packets = 0
        """Read so far."""
        self.damaged_packets = 0
        """Of these and beside these: what could not be decoded or read."""
        self.silence_s = 0.0
        """Length of the silence that stands for damage."""

    @property
    def fault(self) -> Fault:
        """What it means if no frame came."""
        return fault_of(self._first_error) if self._first_error else Fault.CORRUPT

    def __iter__(self) -> Iterator[AudioFrame]:
        """Yields frames in order.

        Raises:
            MediaFaultError: memory is short.
        """
        for packet in self._packets():
            for frame in self._decoded(packet):
                yield from self._silence_before(frame)
                self._end_s = None if frame.time is None else frame.time + frame.samples / frame.sample_rate
                yield frame

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        faults = 0
        while faults < _MOST_READ_FAULTS:
            try:
                for packet in self._container.demux(self._stream):
                    faults = 0
                    yield packet
            except av.FFmpegError as exc:
                self._take(exc, is_new=not faults)
                faults += 1
            except IndexError:  # at the end PyAV trips over streams that appeared on the way
                return
            else:
                return

    def _decoded(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        self.packets += bool(packet.size)
        try:
            return self._stream.codec_context.decode(packet)
        except av.FFmpegError as exc:
            self._take(exc)
            return []

    def _take(self, error: av.FFmpegError, *, is_new: bool = True) -> None:
        if (fault := fault_of(error)) in {Fault.OUT_OF_MEMORY, Fault.MACHINE}:
            raise MediaFaultError(fault) from error
        self._first_error = self._first_error or error
        self.damaged_packets += is_new  # junk at the end is one piece, however often FFmpeg trips over it

    def _silence_before(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Nothing unless there was damage since the last frame and timestamps tell of a gap."""
        is_after_damage = self.damaged_packets > self._damage_before
        self._damage_before = self.damaged_packets
        if not is_after_damage or self._end_s is None or frame.time is None:
            return
        gap_s = frame.time - self._end_s
        if 0 < gap_s <= _LONGEST_GAP_S:
            for silence in _silence(frame, round(gap_s * frame.sample_rate)):
                self.silence_s += silence.samples / silence.sample_rate
                yield silence


def _silence(like: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    """Frames of silence, none longer than the model; none at all of what has more planes than PyAV can count."""
    planes = like.layout.nb_channels if like.format.is_planar else 1
    for start in range(0, samples if planes <= _MOST_PLANES else 0, like.samples or 1):
        frame = AudioFrame(like.format.name, like.layout, min(samples - start, like.samples))
        frame.sample_rate = like.sample_rate
        for plane in frame.planes[:planes]:
            plane.update(bytes((_SILENCE.get(like.format.name, 0),)) * plane.buffer_size)
        yield frame
