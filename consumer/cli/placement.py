"""Where transcripts are written: beside their media, or under a folder in the same tree."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from consumer.cli.inputs import MediaFile
from consumer.cli.neighbours import Neighbours, same_name
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
        return all(os.path.isfile(file) for file in self.files)  # noqa: PTH113 - `Path` raises where a name is too long

    def prepare(self) -> None:
        """Makes the folder, and sees to it that files of these names can be made in it.

        Raises:
            OSError: they cannot; better known before the work than after it.
        """
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            with suppress(FileNotFoundError):
                if stat.S_ISDIR(file.lstat().st_mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
        with _partial(self.files[0]):
            pass

    def write(self, transcript: Transcript) -> None:
        """Writes every file, each whole or not at all, over what is there.

        Raises:
            OSError: a file cannot be written; its name is that of the file meant.
        """
        for form, file in zip(self.formats, self.files, strict=True):
            with _partial(file) as partial:
                partial.write(render(transcript, form).encode())
                partial.flush()
                os.fsync(partial.fileno())  # else a power cut could leave the name without the content
                Path(partial.name).replace(file)


def places(media: Sequence[MediaFile], out: Path | None, formats: Sequence[OutputFormat]) -> list[Place]:
    """Where the transcript of each file goes: `talk.mp3` to `talk.srt` and so on.

    Where another medium in the folder has the same stem (`talk.wav`), or a file would overwrite its own media, the
    whole name is kept: `talk.mp3.srt`. What was not named counts, too: next time it might be.

    Raises:
        click.UsageError: two files would be written to one place all the same, or one over another's media.
    """
    chosen = tuple(dict.fromkeys(formats))
    targets = [(out / each.within if out else each.path) for each in media]
    names = Neighbours(media, targets)
    found = [
        Place(each.path, _stem(each.path, target, chosen, is_alone=names.are_apart_from(target)), chosen)
        for each, target in zip(media, targets, strict=True)
    ]
    for first, second in _clashes(found):
        text = f"{first} and {second} would be written to one place: name the folder that holds both, or run twice."
        raise click.UsageError(text)
    return found


def _stem(media: Path, target: Path, formats: Sequence[OutputFormat], *, is_alone: bool) -> Path:
    short = target.with_suffix("")
    overwrites = Place(media, short, tuple(formats)).files
    return short if is_alone and same_name(media) not in map(same_name, overwrites) else target


def _clashes(found: Sequence[Place]) -> Iterator[tuple[Path, Path]]:
    taken = {same_name(place.media): place.media for place in found}
    for place in found:
        for file in place.files:
            other = taken.setdefault(same_name(file), place.media)
            if other is not place.media:
                yield other, place.media


@contextmanager
def _partial(file: Path) -> Iterator[IO[bytes]]:
    """A file beside, gone at the end unless it was moved; its name is short and nobody else's.

    Raises:
        OSError: of whatever went wrong inside, with the name of the file meant.
    """
    partial = file.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, str(file)) from exc
    finally:
        partial.unlink(missing_ok=True)
