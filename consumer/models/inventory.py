"""Which models are here, whether they are whole, and where the others would come from. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from consumer.models.catalog import KNOWN, WEIGHTS, KnownModel
from consumer.models.integrity import Defect, damage_in, expected_of, glance, inspect, size_of
from consumer.models.names import NAMES, means_folder, path_here, path_of, repository_of
from consumer.models.packages import folder_of, pieces_of, release_of
from consumer.models.record import FolderRecord, read_record
from consumer.models.resolve import cache_folder

_MEGABYTE: Final = 1_000_000


class State(StrEnum):
    """How a model stands."""

    WHOLE = "whole"
    """Every file is there, and what its hash is known to be: by its name, or from the record of its download."""
    UNCHECKED = "unchecked"
    """It is complete, and no hash was compared: none is known, or it has no record and was not read."""
    BROKEN = "broken"
    """A file is missing or damaged, or its size cannot be."""
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
        name = weights.parent.relative_to(cache_dir)
        if not any(part.startswith(".") for part in name.parts):  # what is put together, or was set aside
            yield name.as_posix()


def is_pullable(name: str, cache_dir: Path) -> bool:
    """Whether a name can be asked for: one of the table, a repository of the hub, or what the cache has."""
    if repository_of(name):
        return True
    cached = cache_folder(name, cache_dir)
    return cached is not None and cached.is_dir()


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
    if means_folder(name):
        return _folder(name, "path", path_of(name), is_thorough=is_thorough)
    cached = cache_folder(name, cache_dir)
    if cached and cached.is_dir():
        return _folder(name, "cache", cached, is_thorough=is_thorough)
    if known := KNOWN.get(name):
        pieces = pieces_of(known)
        if not isinstance(pieces, Defect):
            return _packaged(name, known, pieces, is_thorough=is_thorough)
    return _absent(name)


def _folder(name: str, source: str, folder: Path, *, is_thorough: bool) -> Entry:
    try:
        if not folder.is_dir():
            return Entry(name, State.ABSENT, "nowhere", str(folder), detail="there is no such folder")
        record = read_record(folder)
        state, detail = _judged(name, source, folder, record, is_thorough=is_thorough)
        revision, size_bytes = record.revision if record else None, size_of(folder)
    except OSError as exc:
        return Entry(name, State.BROKEN, source, str(folder), detail=f"cannot be read ({exc.strerror})")
    return Entry(name, state, source, str(folder), size_bytes, revision, detail)


def _judged(
    name: str, source: str, folder: Path, record: FolderRecord | None, *, is_thorough: bool
) -> tuple[State, str]:
    meant = name if source == "cache" else ""
    expected = expected_of(meant, record)
    defect = _defect(folder, expected, meant) if is_thorough else glance(folder, record)
    if defect:
        return State.BROKEN, defect.reason
    if record or (expected and is_thorough):
        return State.WHOLE, ""
    return State.UNCHECKED, "no record; verify compares its hashes" if expected else "filled by hand, no hashes known"


def _packaged(name: str, known: KnownModel, pieces: Mapping[str, Sequence[Path]], *, is_thorough: bool) -> Entry:
    folder, release = folder_of(pieces), release_of(known)
    where = str(folder) if folder else ""
    try:
        defect = damage_in(pieces, known.sha256) if is_thorough else None
        size_bytes = sum(path.stat().st_size for paths in pieces.values() for path in paths)
    except OSError as exc:
        return Entry(name, State.BROKEN, "packages", where, None, release, f"cannot be read ({exc.strerror})")
    if defect:
        detail = f"{defect.reason}: install them again"
        return Entry(name, State.BROKEN, "packages", where, size_bytes, release, detail)
    return Entry(name, State.WHOLE if folder else State.PACKED, "packages", where, size_bytes, release)


def _defect(folder: Path, expected: Mapping[str, str] | None, name: str | None = None) -> Defect | None:
    verdict = inspect(folder, expected, name)
    return verdict if isinstance(verdict, Defect) else None


def _absent(name: str) -> Entry:
    repository, here = repository_of(name), path_here(name)
    hint = f"write {here} for the folder here" if here else ""
    if repository is None:
        return Entry(name, State.ABSENT, "nowhere", detail=hint or "no repository of the hub is known for it")
    return Entry(name, State.ABSENT, "hub", repository, _about(name), detail=hint)


def _about(name: str) -> int | None:
    known = NAMES.get(name)
    return known.about_mb * _MEGABYTE if known else None
