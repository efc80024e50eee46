"""Frames of one audio stream to its end, whatever is damaged on the way.

faster-whisper's `decode_audio` means to skip invalid frames, and stops at the first one: its generator is spent then,
and the rest of the recording is lost without a sign. Here damage is counted and decoding goes on. Silence stands for
what the timestamps say is missing, so that all later times stay right. Of sound media these are exactly the frames
that `decode_audio` sees, which fills no gaps.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

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
        self.packets = 0
        """Read so far."""
        self.damage = 0
        """Packets that could not be read or decoded."""

    @property
    def fault(self) -> Fault:
        """What it means if no frame came."""
        return Fault.UNKNOWN_CODEC if isinstance(self._first_error, av.PatchWelcomeError) else Fault.CORRUPT

    def __iter__(self) -> Iterator[AudioFrame]:
        """Yields frames in order.

        Raises:
            MediaFaultError: memory is short.
        """
        end_s: float | None = None
        damaged_before = 0
        for packet in self._packets():
            for frame in self._decoded(packet):
                if self.damage > damaged_before and end_s is not None and frame.time is not None:
                    yield from _silence(frame, frame.time - end_s)
                damaged_before = self.damage
                end_s = None if frame.time is None else frame.time + frame.samples / frame.sample_rate
                yield frame

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        faults = 0
        while faults < _MOST_READ_FAULTS:
            try:
                for packet in self._container.demux(self._stream):
                    faults = 0
                    yield packet
            except av.FFmpegError as exc:
                self._take(exc)
                faults += 1
            else:
                return

    def _decoded(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        self.packets += bool(packet.size)
        try:
            return self._stream.codec_context.decode(packet)
        except av.FFmpegError as exc:
            self._take(exc)
            return []

    def _take(self, error: av.FFmpegError) -> None:
        if error.errno == errno.ENOMEM:
            raise MediaFaultError(Fault.OUT_OF_MEMORY) from error
        self._first_error = self._first_error or error
        self.damage += 1


def _silence(like: AudioFrame, seconds: float) -> Iterator[AudioFrame]:
    """Frames of silence, each as long as the model's."""
    planes = like.layout.nb_channels if like.format.is_planar else 1
    can_be_filled = seconds <= _LONGEST_GAP_S and planes <= _MOST_PLANES
    missing = round(seconds * like.sample_rate) if can_be_filled else 0
    while missing > 0:
        frame = AudioFrame(like.format.name, like.layout, min(missing, max(like.samples, 1)))
        frame.sample_rate = like.sample_rate
        for plane in frame.planes[:planes]:
            plane.update(bytes((_SILENCE.get(like.format.name, 0),)) * plane.buffer_size)
        missing -= frame.samples
        yield frame
