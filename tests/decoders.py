"""Real decoders for tests: what they are given, and their processes."""

from __future__ import annotations

import tempfile
from typing import Final

import numpy as np
import numpy.typing as npt

from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from consumer.ports import Recording
from contracts.requests import Channels
from tests.processes import children_of, limits_of
from tests.waiting import until

LIMITS: Final = DecodeLimits(max_duration_s=120, timeout_s=60, memory_bytes=512 * 1024**2)


async def decode(decoder: ProcessDecoder, content: bytes, channels: Channels = Channels.MIX) -> Recording:
    """The recording, which the caller closes."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return await decoder.decode(file, channels)


def floats_of(recording: Recording, track: int = 0) -> npt.NDArray[np.float32]:
    """float32, shape (n,), as faster-whisper hands them to a model."""
    file = recording.tracks[track].file
    file.seek(0)
    return np.frombuffer(file.read(), np.int16).astype(np.float32) / 32768.0


def server_pid(decoder: ProcessDecoder) -> int:
    """The fork server's id; 0 while there is none."""
    return decoder._server.pid if decoder._server else 0


async def decoder_pid(decoder: ProcessDecoder) -> int:
    """The one decoder, confined and waiting for its first byte."""
    pid = server_pid(decoder)
    await until(lambda: len(children_of(pid)) == 1)
    (child,) = children_of(pid)
    await until(lambda: limits_of(child)["Max open files"] == "0")
    return child
