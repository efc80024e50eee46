"""Media that stand in one folder: whose transcripts could be taken for another's."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from consumer.cli.inputs import MediaFile, is_media

_TELLS_CASES_APART: Final = sys.platform != "darwin"


class Neighbours:
    """The names that stand, or could some day stand, in each folder of targets."""

    def __init__(self, media: Sequence[MediaFile], targets: Sequence[Path]) -> None:
        """Looks into the folder of every file: also what is not to be transcribed now has a name."""
        names: dict[str, set[str]] = defaultdict(set)
        folders = {(each.path.parent, target.parent) for each, target in zip(media, targets, strict=True)}
        for folder, becomes in folders:
            names[same_name(becomes)].update(_media_names(folder))
        for target in targets:
            names[same_name(target.parent)].add(_folded(target.name))
        self._names = {folder: {name.casefold() for name in found} for folder, found in names.items()}
        self._stems = {folder: Counter(Path(name).stem.casefold() for name in found) for folder, found in names.items()}

    def share_stem(self, target: Path) -> bool:
        """Whether another medium there has the target's stem as its own."""
        return self._stems[same_name(target.parent)][target.stem.casefold()] > 1

    def are_named_by_stem(self, target: Path) -> bool:
        """Whether another medium there has the target's stem as its whole name."""
        stem = target.stem.casefold()
        return stem != target.name.casefold() and stem in self._names[same_name(target.parent)]


def same_name(path: Path) -> str:
    """Equal for paths that are one file."""
    return _folded(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links, which are files of their own


def _folded(name: str) -> str:
    return name if _TELLS_CASES_APART else name.casefold()


def _media_names(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:  # one that may not be listed keeps its secrets
        yield from (_folded(entry.name) for entry in entries if is_media(entry.name) and entry.is_file())
