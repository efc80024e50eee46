"""Media files for tests, made with PyAV: audio in any container, video, pictures, and things that only look so."""

from __future__ import annotations

import io
import itertools
import struct
import wave
from collections.abc import Iterator, Mapping
from typing import Final

import av
import numpy as np
from av.container import OutputContainer

FORMATS: Final = (
    ("wav", "pcm_s16le"), ("wav", "pcm_mulaw"), ("w64", "pcm_s24le"), ("aiff", "pcm_s16be"), ("au", "pcm_s16be"),
    ("caf", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame"), ("adts", "aac"), ("mp4", "aac"),
    ("mov", "pcm_s16le"), ("ogg", "libopus"), ("webm", "libopus"), ("matroska", "aac"), ("asf", "wmav2"),
    ("avi", "libmp3lame"), ("flv", "aac"), ("mpegts", "aac"), ("mpeg", "mp2"), ("ac3", "ac3"), ("wv", "wavpack"),
    ("tta", "tta"), ("ogg", "flac"), ("ipod", "aac"), ("ogg", "vorbis"), ("webm", "vorbis"), ("matroska", "vorbis"),
)  # fmt: skip
"""Muxers with a codec each: what people send."""
FILMS: Final = (
    ("mp4", "libx264", "aac"), ("mov", "mpeg4", "pcm_s16le"), ("webm", "libvpx", "vorbis"),
    ("webm", "libvpx", "libopus"), ("matroska", "libx264", "libmp3lame"), ("avi", "mpeg4", "libmp3lame"),
    ("flv", "flv", "aac"), ("asf", "wmv2", "wmav2"), ("mpegts", "mpeg2video", "mp2"), ("mpeg", "mpeg1video", "mp2"),
)  # fmt: skip
"""Muxers with a codec for the picture and one for the sound."""

_BLOCK: Final = 4800
PICTURES_HZ: Final = 25


def make_audio(
    container: str,
    codec: str,
    *,
    seconds: float = 1.0,
    rate_hz: int = 48_000,
    layout: str = "stereo",
    options: Mapping[str, str] | None = None,
) -> bytes:
    """Two tones with some noise; the options are those of FFmpeg's muxer."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=dict(options or {})) as output:
        stream = add_sound(output, codec, rate_hz, layout)
        for frame in _tone(seconds, rate_hz, layout):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def add_sound(output: OutputContainer, codec: str, rate_hz: int, layout: str) -> av.AudioStream:
    """A track of sound to encode into; Vorbis takes stereo only."""
    stream = output.add_stream(codec, rate=rate_hz)
    assert isinstance(stream, av.AudioStream)
    stream.layout = layout
    stream.bit_rate = 128_000
    stream.codec_context.options = {"strict": "experimental"} if codec == "vorbis" else {}
    return stream


def add_picture(output: OutputContainer, codec: str) -> av.VideoStream:
    """A track of small pictures to encode into."""
    stream = output.add_stream(codec, rate=PICTURES_HZ)
    assert isinstance(stream, av.VideoStream)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    return stream


def make_film(container: str, picture: str, sound: str, *, seconds: float = 1.0) -> bytes:
    """Picture and sound in one file, interleaved; the picture comes first."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        pictures = add_picture(output, picture)
        sounds = add_sound(output, sound, 48_000, "stereo")
        tone = iter(_tone(seconds, 48_000, "stereo"))
        for _ in range(int(PICTURES_HZ * seconds)):
            output.mux(pictures.encode(make_frame()))
            for frame in itertools.islice(tone, 48_000 // PICTURES_HZ // _BLOCK + 1):
                output.mux(sounds.encode(frame))
        for frame in tone:
            output.mux(sounds.encode(frame))
        output.mux(pictures.encode(None))
        output.mux(sounds.encode(None))
    return file.getvalue()


def make_fragmented_mp4(seconds: float) -> bytes:
    """One without a length, in pieces of a second, as it is streamed."""
    fragments = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}
    return make_audio("mp4", "aac", seconds=seconds, options=fragments)


def make_mp4_with_index_first(seconds: float) -> bytes:
    """As for the web ("faststart")."""
    whole = make_audio("mp4", "aac", seconds=seconds)
    data, index = whole.index(b"mdat") - 4, whole.rindex(b"moov") - 4
    moov = bytearray(whole[index:])
    table = moov.index(b"stco") + 8
    for place in range(table + 4, table + 4 + 4 * struct.unpack_from(">I", moov, table)[0], 4):
        struct.pack_into(">I", moov, place, struct.unpack_from(">I", moov, place)[0] + len(moov))
    return whole[:data] + moov + whole[data:index]


def damaged_in_the_middle(content: bytes, *, share: float = 0.1, seed: int = 1) -> bytes:
    """The same file with noise in place of that share of its bytes."""
    size = int(share * len(content))
    start = (len(content) - size) // 2
    return content[:start] + np.random.default_rng(seed).bytes(size) + content[start + size :]


def make_video(*, seconds: float = 1.0) -> bytes:
    """An MP4 without an audio track."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = add_picture(output, "mpeg4")
        for _ in range(int(PICTURES_HZ * seconds)):
            output.mux(stream.encode(make_frame()))
        output.mux(stream.encode(None))
    return file.getvalue()


def make_subtitled(*, seconds: float = 1.0) -> bytes:
    """Sound, and a track of subtitles beside it."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = add_sound(output, "pcm_s16le", 48_000, "stereo")
        text = output.add_mux_stream("subrip")
        packet = av.Packet(b"Hello")
        packet.stream, packet.pts, packet.dts, packet.duration = text, 0, 0, 500
        for frame in _tone(seconds, 48_000, "stereo"):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        output.mux(packet)
    return file.getvalue()


def make_picture() -> bytes:
    """A PNG."""
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as output:
        stream = output.add_stream("png", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        output.mux(stream.encode(make_frame()))
        output.mux(stream.encode(None))
    return file.getvalue()


def make_wav(samples: int, rate_hz: int = 16_000) -> bytes:
    """A mono WAV of silence with exactly so many samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(rate_hz)
        output.writeframes(bytes(2 * samples))
    return file.getvalue()


def make_ffconcat(path: str) -> bytes:
    """A playlist that names another file."""
    return f"ffconcat version 1.0\nfile '{path}'\n".encode()


def make_hls(path: str) -> bytes:
    """Another one."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{path}\n#EXT-X-ENDLIST\n".encode()


def make_dash(path: str) -> bytes:
    """And one more."""
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f"<Representation id='1'><BaseURL>{path}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()


def make_movie_of_another_file(path: str) -> bytes:
    """A MOV whose sound lies in the file that its data reference names."""
    whole = make_audio("mov", "pcm_s16le")
    start = whole.index(b"dref") - 4
    size = struct.unpack_from(">I", whole, start)[0]
    name = path.encode() + b"\0" * (len(path.encode()) % 2)
    alias = struct.pack(">10x28x12x64x16xHH16xHH", 1, 1, 2, len(path.encode())) + name + b"\xff\xff\0\0"
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    reference = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    content = bytearray(whole[:start] + reference + whole[start + size :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = content.index(box, whole.index(b"moov")) - 4
        struct.pack_into(">I", content, place, struct.unpack_from(">I", content, place)[0] + len(reference) - size)
    return bytes(content)


def make_self_indexed_matroska() -> bytes:
    """A Matroska file whose index of parts names itself as every part."""
    content = bytearray(make_audio("matroska", "aac"))
    seek_head = bytes.fromhex("114d9b74")
    start = content.index(seek_head)
    end = content.index(bytes.fromhex("1549a966"), start + 100)  # where the information on the segment begins
    for place in range(start, end - 4):
        if content[place : place + 3] == bytes.fromhex("53ab84"):
            content[place + 3 : place + 7] = seek_head
    return bytes(content)


def make_streams(count: int) -> bytes:
    """A Matroska file with so many tracks of sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = [output.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(count)]
        for stream in streams:
            for frame in _tone(0.5, 8000, "mono"):
                output.mux(stream.encode(frame))
    return file.getvalue()


def _tone(seconds: float, rate_hz: int, layout: str) -> Iterator[av.AudioFrame]:
    noise = np.random.default_rng(1)
    for start in range(0, int(seconds * rate_hz), _BLOCK):
        times = np.arange(start, start + _BLOCK) / rate_hz
        left, right = (np.sin(2 * np.pi * pitch * times) + noise.normal(0, 0.05, _BLOCK) for pitch in (440, 660))
        channels = [left, right] if layout == "stereo" else [left]
        frame = av.AudioFrame.from_ndarray(
            (8000 * np.stack(channels, axis=1)).astype(np.int16).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate = rate_hz
        frame.pts = start
        yield frame


def make_frame() -> av.VideoFrame:
    """A picture of noise."""
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")
