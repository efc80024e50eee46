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

from consumer.cli.earlier import read_transcript_of
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
    overwrites: bool = False
    """Whether also to replace what is not known as steno's."""

    @property
    def files(self) -> list[Path]:
        """One for each format."""
        return [self._file(form) for form in self.formats]

    @property
    def is_done(self) -> bool:
        """Whether every file is there; each came there whole. Blocks."""
        return all(map(self._is_whole, self.formats))

    @property
    def earlier(self) -> Transcript | None:
        """What an earlier run made of the same media and left here, with whatever else stands here. Blocks."""
        return read_transcript_of(self.media, self._file(OutputFormat.JSON))

    def prepare(self) -> None:
        """Makes the folder, and sees to it that files of these names can be made in it and take nobody's place.

        Raises:
            OSError: they cannot or would; better known before the work than after it.
        """
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        self._check_free()
        with _partial(self.files[0]):
            pass

    def write(self, transcript: Transcript) -> None:
        """Writes every file, each whole or not at all, the transcript first: the others are known as ours by it.

        Raises:
            OSError: a file cannot be written, or somebody else's came to be there; its name is that of the file meant.
        """
        self._check_free()
        for form in sorted(self.formats, key=lambda form: form is not OutputFormat.JSON):
            with _partial(file := self._file(form)) as partial:
                partial.write(render(transcript, form).encode())
                partial.flush()
                os.fsync(partial.fileno())  # else a power cut could leave the name without the content
                Path(partial.name).replace(file)

    def _file(self, form: OutputFormat) -> Path:
        return self.stem.with_name(f"{self.stem.name}.{form}")

    def _is_whole(self, form: OutputFormat) -> bool:
        file = self._file(form)
        if not os.path.isfile(file):  # noqa: PTH113 - `Path` raises where a name is too long
            return False
        return file.stat().st_size > 0 or self._may_be_empty(form)

    def _may_be_empty(self, form: OutputFormat) -> bool:
        """Texts may; subtitles only where the transcript says that nobody speaks: else they are broken ones."""
        if form is OutputFormat.SRT:
            return (earlier := self.earlier) is not None and not earlier.segments
        return form is OutputFormat.TXT

    def _check_free(self) -> None:
        taken = [file for file in self.files if _holds_something(file)]
        if taken and not self.overwrites and self.earlier is None:
            why = f"no transcript of this input in {self._file(OutputFormat.JSON).name}"
            text = f"it is there already, and steno cannot tell that it made it ({why}); --overwrite replaces it"
            raise FileExistsError(errno.EEXIST, text, str(taken[0]))


def places(
    media: Sequence[MediaFile], out: Path | None, formats: Sequence[OutputFormat], *, overwrites: bool = False
) -> list[Place]:
    """Where the transcript of each file goes: `talk.mp3` to `talk.srt` and so on.

    Where another medium in the folder has the same stem (`talk.wav`), or a file would overwrite its own media, the
    whole name is kept: `talk.mp3.srt`. What was not named counts, too: next time it might be. A transcript that stands
    in `talk.json` since before the other medium came stays there.

    Raises:
        click.UsageError: two files would be written to one place all the same, or one over another's media.
    """
    chosen = tuple(dict.fromkeys(formats))
    targets = [(out / each.within if out else each.path) for each in media]
    names = Neighbours(media, targets)
    found = [
        Place(each.path, _stem(each.path, target, chosen, names), chosen, overwrites)
        for each, target in zip(media, targets, strict=True)
    ]
    for first, second in _clashes(found):
        text = f"{first} and {second} would be written to one place: name the folder that holds both, or run twice."
        raise click.UsageError(text)
    return found


def _stem(media: Path, target: Path, formats: tuple[OutputFormat, ...], names: Neighbours) -> Path:
    short = Place(media, target.with_suffix(""), formats)
    if names.are_named_by_stem(target) or same_name(media) in map(same_name, short.files):
        return target
    return target if names.share_stem(target) and short.earlier is None else short.stem


def _clashes(found: Sequence[Place]) -> Iterator[tuple[Path, Path]]:
    taken = {same_name(place.media): place.media for place in found}
    for place in found:
        for file in place.files:
            other = taken.setdefault(same_name(file), place.media)
            if other is not place.media:
                yield other, place.media


def _holds_something(file: Path) -> bool:
    """Whether there is anything to lose; an empty file is not.

    Raises:
        IsADirectoryError: it is a folder, which no file can replace.
    """
    try:
        found = file.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    return found.st_size > 0 or not stat.S_ISREG(found.st_mode)


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
        with suppress(OSError):  # it is told already, or was no obstacle to what matters
            partial.unlink(missing_ok=True)
