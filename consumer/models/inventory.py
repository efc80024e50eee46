"""Which models are here, whether they are whole, and where the others would come from. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from consumer.models.catalog import KNOWN, WEIGHTS, KnownModel
from consumer.models.integrity import Defect, glance, inspect, size_of
from consumer.models.names import NAMES, is_path, repository_of
from consumer.models.packages import folder_of, pieces_of, release_of
from consumer.models.record import read_record
from consumer.models.resolve import cache_folder

_MEGABYTE: Final = 1_000_000


class State(StrEnum):
    """How a model stands."""

    WHOLE = "whole"
    """Every file is there."""
    BROKEN = "broken"
    """A file is missing or is not what the record says."""
    PACKED = "packed"
    """Installed packages hold it in pieces, which are joined at its first use."""
    ABSENT = "absent"
    """It would have to be fetched."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model."""

    name: str
    state: State
    source: str
    """`path`, `cache` or `packages` where it is; `hub`, or `nowhere`, where it would come from."""
    where: str = ""
    """Folder or repository."""
    size_bytes: int | None = None
    """Rounded where it is not here."""
    revision: str | None = None
    detail: str = ""
    """What is wrong, or cannot be told."""


def names_in(cache_dir: Path) -> Iterator[str]:
    """Models that have a folder in the cache, by name or as owner/name."""
    for weights in sorted((*cache_dir.glob(f"*/{WEIGHTS}"), *cache_dir.glob(f"*/*/{WEIGHTS}"))):
        name = weights.parent.relative_to(cache_dir).as_posix()
        if not name.startswith("."):
            yield name


def all_names(cache_dir: Path, configured: Iterable[str]) -> list[str]:
    """Every name that can be told about: those of faster-whisper, of the cache and of the settings; each once."""
    return list(dict.fromkeys((*NAMES, *names_in(cache_dir), *configured)))


def survey(name: str, cache_dir: Path, *, is_thorough: bool = False) -> Entry:
    """How one model stands, looked up in the order in which it would be used.

    Args:
        name: a name, a repository of the hub, or a path.
        cache_dir: holds a folder per model; need not exist.
        is_thorough: whether to read every file and judge by its hash, or to go by presence and size.
    """
    path = Path(name).expanduser()
    if "/" in name and (is_path(name) or path.is_dir()):
        return _folder(name, "path", path, is_thorough=is_thorough)
    cached = cache_folder(name, cache_dir)
    if cached and cached.is_dir():
        return _folder(name, "cache", cached, is_thorough=is_thorough)
    if known := KNOWN.get(name):
        pieces = pieces_of(known)
        if not isinstance(pieces, Defect):
            return _packaged(name, known, folder_of(pieces), is_thorough=is_thorough)
    return _absent(name)


def _folder(name: str, source: str, folder: Path, *, is_thorough: bool) -> Entry:
    if not folder.is_dir():
        return Entry(name, State.ABSENT, "nowhere", str(folder), detail="there is no such folder")
    record = read_record(folder)
    defect = _defect(folder, record.sha256 if record else None) if is_thorough else glance(folder, record)
    detail = defect.reason if defect else "" if record else "filled by hand, without hashes to check by"
    return Entry(
        name, State.BROKEN if defect else State.WHOLE, source, str(folder), size_of(folder),
        record.revision if record else None, detail,
    )  # fmt: skip


def _packaged(name: str, known: KnownModel, folder: Path | None, *, is_thorough: bool) -> Entry:
    release = release_of(known)
    if folder is None:
        return Entry(name, State.PACKED, "packages", size_bytes=_about(name), revision=release)
    defect = _defect(folder, known.sha256) if is_thorough else glance(folder, None)
    size_bytes = sum((folder / file).stat().st_size for file in known.sha256 if (folder / file).is_file())
    state = State.BROKEN if defect else State.WHOLE
    return Entry(name, state, "packages", str(folder), size_bytes, release, defect.reason if defect else "")


def _defect(folder: Path, expected: Mapping[str, str] | None) -> Defect | None:
    verdict = inspect(folder, expected)
    return verdict if isinstance(verdict, Defect) else None


def _absent(name: str) -> Entry:
    repository = repository_of(name)
    if repository is None:
        return Entry(name, State.ABSENT, "nowhere", detail="no repository of the hub is known for it")
    return Entry(name, State.ABSENT, "hub", repository, _about(name))


def _about(name: str) -> int | None:
    known = NAMES.get(name)
    return known.about_mb * _MEGABYTE if known else None
