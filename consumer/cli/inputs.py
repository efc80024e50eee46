"""What a user means by files and folders: the media to transcribe, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.cli.output import Failure
from contracts.errors import ErrorCode

MEDIA_SUFFIXES: Final = frozenset({
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf", ".flac", ".flv",
    ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".oga", ".ogg",
    ".ogv", ".opus", ".spx", ".ts", ".tta", ".w64", ".wav", ".webm", ".wma", ".wmv", ".wv",
})  # fmt: skip
"""What is taken for media inside a folder; a file that is named itself is taken whatever it is called."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file to transcribe."""

    path: Path
    """As the user wrote it, or its folder."""
    within: Path
    """Its path inside the folder that was named, or its bare name."""


def media_in(inputs: Sequence[Path]) -> Iterator[MediaFile | Failure]:
    """Files as they are; folders as the media in them, recursively and by name.

    What is hidden (a leading dot) is passed over, and links to folders are not followed.
    """
    for given in inputs:
        if given.is_dir():
            yield from _media_under(given)
        else:
            yield MediaFile(given, Path(given.name))


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
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in MEDIA_SUFFIXES:
                yield Path(root, name)


def _unreadable(fault: OSError) -> Failure:
    return Failure(str(fault.filename), ErrorCode.INPUT_FORBIDDEN, f"{fault.filename} cannot be read: {fault.strerror}")
