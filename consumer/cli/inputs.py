"""What a user means by files and folders: the media to transcribe, in order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from consumer.cli.output import Failure
from contracts.errors import ErrorCode

MEDIA_SUFFIXES: Final = frozenset({
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf", ".flac", ".flv",
    ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".oga", ".ogg",
    ".ogv", ".opus", ".spx", ".ts", ".tta", ".w64", ".wav", ".webm", ".wma", ".wmv", ".wv",
})  # fmt: skip
"""What is taken for media inside a folder; a file that is named itself is taken whatever it is called."""


class NamedPath(click.Path):
    """A path as the user wrote it; whether it can be read is told when its turn comes."""

    def __init__(self, *, file_okay: bool = True) -> None:
        """Takes files and folders, or folders only."""
        super().__init__(file_okay=file_okay, readable=False, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Refuses the empty name: as a path it would be the whole current folder."""
        if not os.fspath(value):
            self.fail("a name is empty; is a variable of the shell not set?", param, ctx)
        return super().convert(value, param, ctx)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file to transcribe."""

    path: Path
    """As the user wrote it, or its folder."""
    within: Path
    """Its path inside the folder that was named, or its bare name."""

    @property
    def location(self) -> str:
        """Equal for two ways to name one file; a link to a file is one of its own, with a name of its own."""
        return os.path.join(os.path.realpath(self.path.parent), self.path.name)  # noqa: PTH118 - of strings


def media_in(inputs: Sequence[Path]) -> Iterator[MediaFile | Failure]:
    """Files as they are; folders as the media in them, recursively and by name.

    What is hidden (a leading dot) or no file is passed over, and links to folders are not followed.
    """
    for given in inputs:
        if is_folder(given):
            yield from _media_under(given)
        else:
            yield MediaFile(given, Path(given.name))


def is_folder(given: Path) -> bool:
    """Whether it is one; what may not be looked at is taken for a file, whose turn will tell."""
    return os.path.isdir(given)  # noqa: PTH112 - `Path.is_dir` raises where the folder above may not be searched


def is_media(name: str) -> bool:
    """Whether a file in a folder is taken, by its name."""
    return not name.startswith(".") and Path(name).suffix.lower() in MEDIA_SUFFIXES


def _media_under(folder: Path) -> Iterator[MediaFile | Failure]:
    faults: list[OSError] = []
    found = [MediaFile(path, path.relative_to(folder)) for path in _walk(folder, faults)]
    yield from found
    yield from (_unreadable(fault) for fault in faults)
    if not found and not faults:
        text = f"{folder} holds no media (files such as .mp3, .wav or .mp4, by name)"
        yield Failure(str(folder), ErrorCode.INPUT_NOT_FOUND, text)


def _walk(folder: Path, faults: list[OSError]) -> Iterator[Path]:
    for root, folders, files in os.walk(folder, onerror=faults.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(root, name) for name in sorted(files) if is_media(name)):
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    yield path
            except OSError as fault:
                faults.append(fault)


def _unreadable(fault: OSError) -> Failure:
    name = os.fsdecode(fault.filename)
    if isinstance(fault, FileNotFoundError):
        return Failure(name, ErrorCode.INPUT_NOT_FOUND, f"{name} is gone, or a link that leads nowhere")
    return Failure(name, ErrorCode.INPUT_FORBIDDEN, f"{name} cannot be read: {fault.strerror}")
