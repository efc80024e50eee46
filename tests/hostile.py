"""Files that nobody should be able to harm a worker with, each with the code that it must end with."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from contracts.errors import ErrorCode
from contracts.requests import Channels
from tests import media
from tests.bombs import make_flac_bomb, make_mov_bomb
from tests.traps import Trap

_CORRUPT, _UNSUPPORTED = ErrorCode.MEDIA_CORRUPT, ErrorCode.MEDIA_UNSUPPORTED
_DAYS_S: Final = 3 * 24 * 3600
_WAV_FORMAT, _WAV_CHANNELS, _WAV_RATE, _WAV_DATA = 20, 22, 24, 40
"""Offsets of fields in a WAV of ours."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file."""

    name: str
    content: bytes
    code: ErrorCode | None
    """None: it is decoded."""
    channels: Channels = Channels.MIX

    def __str__(self) -> str:
        return self.name


def cases(other_file: str, other_address: str) -> Iterator[Case]:
    """All but the traps.

    Args:
        other_file: path of a sound file, for playlists to name.
        other_address: URL of one, likewise.
    """
    yield from _no_media()
    yield from _playlists(other_file, other_address)
    yield from _damaged()
    yield from _out_of_bounds()
    yield from _absurd()


def _no_media() -> Iterable[Case]:
    return (
        Case("empty", b"", _CORRUPT),
        Case("one byte", b"\xff", _UNSUPPORTED),
        Case("text called .mp3", b"just some text\n" * 1000, _UNSUPPORTED),
        Case("an error page in XML", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", _UNSUPPORTED),
        Case("zeros", bytes(100_000), _UNSUPPORTED),
        Case("a picture", media.make_picture(), _UNSUPPORTED),
        Case("a program", b"\x7fELF\x02\x01\x01" + bytes(5000), _UNSUPPORTED),
        Case("a video without sound", media.make_video(), ErrorCode.MEDIA_NO_AUDIO),
    )


def _playlists(path: str, address: str) -> Iterator[Case]:
    for what, target in (("file", path), ("URL", address)):
        yield Case(f"a concat script with a {what}", media.make_ffconcat(target), _UNSUPPORTED)
        yield Case(f"an HLS playlist with a {what}", media.make_hls(target), _UNSUPPORTED)
        yield Case(f"an M3U with a {what}", f"#EXTM3U\n{target}\n".encode(), _UNSUPPORTED)
        yield Case(f"a DASH manifest with a {what}", media.make_dash(target), _UNSUPPORTED)
    yield Case("an SDP that asks to listen", b"v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", _UNSUPPORTED)
    yield Case("a MOV that refers to another file", media.make_movie_of_another_file(path), _CORRUPT)


def _damaged() -> Iterator[Case]:
    for container, codec in (("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame"), ("matroska", "aac")):
        whole = media.make_audio(container, codec, seconds=10)
        yield Case(f"{container}, cut to 30 %", whole[: len(whole) * 3 // 10], _CORRUPT)
    mp3 = media.make_audio("mp3", "libmp3lame", seconds=10)
    yield Case("mp3, 70 % noise", media.damaged_in_the_middle(mp3, share=0.7), _CORRUPT)
    yield Case("mp3, 10 % noise", media.damaged_in_the_middle(mp3, share=0.1), None)
    yield Case("mp4 without its index", media.make_audio("mp4", "aac")[:-2000], _CORRUPT)
    yield Case("RIFF of nothing", b"RIFF" + bytes(1000), _CORRUPT)
    yield Case("mp3 that is all ID3 tag", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(1000), _CORRUPT)


def _out_of_bounds() -> Iterable[Case]:
    mkv = media.make_audio("matroska", "aac")
    mono = media.make_audio("wav", "pcm_s16le", layout="mono")
    return (
        Case("mkv with an unknown codec", mkv.replace(b"A_AAC", b"A_XYZ"), _UNSUPPORTED),
        Case("wav with an unknown codec", _wav(_WAV_FORMAT, "<H", 0x4243), _UNSUPPORTED),
        Case("50 ms of sound", media.make_wav(800), ErrorCode.INPUT_TOO_SHORT),
        Case("wav without samples", media.make_wav(0), _CORRUPT),
        Case("100 streams", media.make_streams(100), _UNSUPPORTED),
        Case("64 channels", _wav(_WAV_CHANNELS, "<H", 64), _UNSUPPORTED),
        Case("12 channels, each on its own", _wav(_WAV_CHANNELS, "<H", 12), _UNSUPPORTED, Channels.SEPARATE),
        Case("1 channel, on its own", mono, None, Channels.SEPARATE),
        Case("1 Hz", _wav(_WAV_RATE, "<I", 1), _UNSUPPORTED),
        Case("10 MHz", _wav(_WAV_RATE, "<I", 10_000_000), _UNSUPPORTED),
    )


def _absurd() -> Iterable[Case]:
    too_long = ErrorCode.INPUT_TOO_LONG
    return (
        Case("65535 channels", _wav(_WAV_CHANNELS, "<H", 65_535), _CORRUPT),
        Case("4 GHz", _wav(_WAV_RATE, "<I", 2**32 - 1), _CORRUPT),
        Case("wav of a pipe, 4 GB promised", _wav(_WAV_DATA, "<I", 2**32 - 1), None),
        Case("mp4 of 100,000 nested boxes", _nested_boxes(100_000), _CORRUPT),
        Case("mkv whose index lists itself", media.make_self_indexed_matroska(), None),
        Case("flac of 3 days, header tells", make_flac_bomb(_DAYS_S, tells=True), too_long),
        Case("flac of 3 days, header is silent", make_flac_bomb(_DAYS_S, tells=False), too_long),
        Case("mov of 3 days, one stretch over and over", make_mov_bomb(_DAYS_S), too_long),
    )


def traps() -> Iterator[Case]:
    """Files that bring their decoder down; only a fork server with traps knows them."""
    for trap in Trap:
        yield Case(f"a file on which the decoder {trap}", trap.encode(), ErrorCode.MEDIA_DECODER_FAILED)


def _wav(offset: int, form: str, value: int) -> bytes:
    """A WAV with one field of its header changed."""
    content = bytearray(media.make_wav(16_000))
    struct.pack_into(form, content, offset, value)
    return bytes(content)


def _nested_boxes(depth: int) -> bytes:
    start = media.make_audio("mp4", "aac")[:32]
    return start + b"".join(struct.pack(">I4s", (depth - level) * 8, b"moov") for level in range(depth))
