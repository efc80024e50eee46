"""Small files with days of audio."""

from __future__ import annotations

import struct
from typing import Final

from tests.media import make_audio

FLAC_BLOCK: Final = 65_535
FLAC_RATE_HZ: Final = 8000
_STRETCH_S: Final = 20


def make_flac_bomb(seconds: float, *, tells: bool) -> bytes:
    """FLAC of silence, 15 bytes for 8 s of it.

    Args:
        seconds: how long it is.
        tells: whether the header tells the length.
    """
    blocks = -(-int(seconds * FLAC_RATE_HZ) // FLAC_BLOCK)
    total = blocks * FLAC_BLOCK if tells else 0
    # Block sizes, frame sizes (unknown); 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples; no MD5.
    info = struct.pack(">HH6xQ16x", FLAC_BLOCK, FLAC_BLOCK, FLAC_RATE_HZ << 44 | 15 << 36 | total)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + b"".join(map(_silent_frame, range(blocks)))


def make_mov_bomb(seconds: float) -> bytes:
    """A movie with one stretch of sound, to which its table of chunks points over and over."""
    whole = bytearray(make_audio("mov", "pcm_s16le", seconds=_STRETCH_S, rate_hz=8000, layout="mono"))
    times = round(seconds / _STRETCH_S)
    samples = times * _STRETCH_S * 8000
    for box, field in ((b"stts", 12), (b"stsz", 12), (b"stco", 8)):
        struct.pack_into(">I", whole, whole.index(box) + field, times if box == b"stco" else samples)
    whole = whole.replace(b"edts", b"free")  # the edit list tells how long the sound was
    pointer = whole.index(b"stco") + 12
    more = whole[pointer : pointer + 4] * (times - 1)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stco"):
        place = whole.index(box, whole.index(b"moov")) - 4
        struct.pack_into(">I", whole, place, struct.unpack_from(">I", whole, place)[0] + len(more))
    return bytes(whole[: pointer + 4] + more + whole[pointer + 4 :])


def _silent_frame(number: int) -> bytes:
    """A frame of `FLAC_BLOCK` zeros: fixed block size, 8 kHz, mono, 16 bit, one constant subframe."""
    header = b"\xff\xf8\x74\x08" + _utf8(number) + struct.pack(">H", FLAC_BLOCK - 1)
    header += bytes([_crc(header, 0x07, 8)])
    frame = header + b"\x00\x00\x00"
    return frame + struct.pack(">H", _crc(frame, 0x8005, 16))


def _utf8(number: int) -> bytes:
    """FLAC codes frame numbers as UTF-8 codes characters."""
    return chr(number).encode(errors="surrogatepass")


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    register = 0
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        register ^= byte << (bits - 8)
        for _ in range(8):
            register = (register << 1 ^ (polynomial if register & top else 0)) & mask
    return register
