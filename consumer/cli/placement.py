"""Where transcripts are written: beside their media, or under a folder in the same tree."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from consumer.cli.inputs import MediaFile
from consumer.core.rendering import render
from contracts.requests import OutputFormat
from contracts.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one transcript."""

    media: Path
    stem: Path
    """Every file's path without its extension."""
    formats: tuple[OutputFormat, ...]

    @property
    def files(self) -> list[Path]:
        """One for each format."""
        return [self.stem.with_name(f"{self.stem.name}.{form}") for form in self.formats]

    @property
    def is_done(self) -> bool:
        """Whether every file is there; each came there whole."""
        return all(file.is_file() for file in self.files)

    def write(self, transcript: Transcript) -> None:
        """Writes every file, each whole or not at all, over what is there.

        Raises:
            OSError: a folder cannot be made or a file not be written.
        """
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        for form, file in zip(self.formats, self.files, strict=True):
            partial = file.with_name(f".{file.name}.partial")
            partial.write_text(render(transcript, form), "utf-8", newline="\n")
            partial.replace(file)


def places(media: Sequence[MediaFile], out: Path | None, formats: Sequence[OutputFormat]) -> list[Place]:
    """Where the transcript of each file goes: `talk.mp3` to `talk.srt` and so on.

    Where two files would share a name (`talk.mp3` and `talk.wav`), or a file overwrite its own media, the whole
    name is kept: `talk.mp3.srt`.

    Raises:
        click.UsageError: two files would be written to one place all the same.
    """
    chosen = tuple(dict.fromkeys(formats))
    targets = [(out / each.within if out else each.path) for each in media]
    claims = Counter(_key(target.with_suffix("")) for target in targets)
    found = [
        Place(each.path, _stem(each.path, target, chosen, is_alone=claims[_key(target.with_suffix(""))] == 1), chosen)
        for each, target in zip(media, targets, strict=True)
    ]
    for first, second in _clashes(found):
        text = f"{first} and {second} would be written to one place: name the folder that holds both, or run twice."
        raise click.UsageError(text)
    return found


def _stem(media: Path, target: Path, formats: Sequence[OutputFormat], *, is_alone: bool) -> Path:
    short = target.with_suffix("")
    overwrites = Place(media, short, tuple(formats)).files
    return short if is_alone and _key(media) not in map(_key, overwrites) else target


def _clashes(found: Sequence[Place]) -> Iterator[tuple[Path, Path]]:
    taken: dict[str, Path] = {}
    for place in found:
        other = taken.setdefault(_key(place.stem), place.media)
        if other is not place.media:
            yield other, place.media


def _key(path: Path) -> str:
    """Equal for paths that are one file, on disks that do not tell cases apart too."""
    return os.path.abspath(path).casefold()  # noqa: PTH100 - `resolve` would follow links, which are files of their own
