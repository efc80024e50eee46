"""Real recordings for tests: what each one says, in which language, and whose it is.

They lie in two folders, each with a SAMPLES.tsv that keeps source and licence: those of the demo, and the rest.
"""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

ROOT: Final = Path(__file__).parent.parent
FOLDERS: Final = (ROOT / "consumer" / "demo" / "samples", ROOT / "tests" / "data" / "speech")
SAMPLE_RATE_HZ: Final = 16_000


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording."""

    path: Path
    seconds: float
    language: str | None
    """Whisper's language code; None where nobody speaks."""
    transcript: str
    """The corpus's own spelling: normalise before scoring. Empty where there is none."""
    source: str
    licence: str
    is_scored: bool
    """Whether the transcript is what one voice says, from start to end."""
    note: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def _read(folder: Path) -> Iterator[Clip]:
    with (folder / "SAMPLES.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Clip(
                path=folder / row["file"],
                seconds=float(row["seconds"]),
                language=None if row["language"] == "-" else row["language"],
                transcript=row["transcript"],
                source=row["source"],
                licence=row["licence"],
                is_scored=row["kind"] == "wer",
                note=row["note"],
            )


CLIPS: Final = tuple(clip for folder in FOLDERS for clip in _read(folder))
"""All recordings, the demo's first."""

SCORED: Final = tuple(clip for clip in CLIPS if clip.is_scored)
"""Recordings with a transcript to compare with."""


def clip(name: str) -> Clip:
    """The recording with this file name, with or without its extension."""
    return next(clip for clip in CLIPS if name in (clip.path.name, clip.path.stem))


ENGLISH: Final = clip("en-LJ001-0001")
"""9.7 s of clear English, FLAC."""
SHORT: Final = clip("en-LJ001-0008")
"""1.8 s of clear English, FLAC: the cheapest thing to transcribe."""
GERMAN: Final = clip("de-leopard_de")
JAPANESE: Final = clip("ja-common_voice_ja_24511055")
STEREO: Final = clip("extra-stereo_diarization")
"""Two channels, a different voice on each."""
NOISE: Final = clip("extra-silence_noise")
"""8.2 s without speech."""
EIGHT_CHANNELS: Final = clip("extra-8_Channel_ID")
"""Eight channels in an m4a."""
LONGEST: Final = clip("en-sonnet_p001")
"""53 s of English, MP3."""


def join(clips: Iterable[Clip], destination: Path, *, at_least_s: float = 0.0, pause_s: float = 0.5) -> Path:
    """Writes the clips one after another as one WAV, int16 mono at 16 kHz, with a pause after each.

    Args:
        clips: in order; together they are repeated until the file is long enough, and played once at least.
        destination: the file to write.
        at_least_s: shortest length of the file.
        pause_s: silence after each clip.
    """
    pause = bytes(2 * round(pause_s * SAMPLE_RATE_HZ))
    once = b"".join(samples(clip) + pause for clip in clips)
    times = max(1, -(-round(at_least_s * SAMPLE_RATE_HZ) * 2 // len(once)))
    with wave.open(str(destination), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        for _ in range(times):
            file.writeframes(once)
    return destination


def samples(clip: Clip) -> bytes:
    """The clip as int16 mono at 16 kHz, little-endian."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(clip.path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return b"".join(frame.to_ndarray().astype(np.dtype("<i2")).tobytes() for frame in frames)
