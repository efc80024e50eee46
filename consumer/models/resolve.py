"""From a model's name to a folder of checked weights: a path, the cache, installed packages, the hub, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from consumer.core.failures import ExitCode, FatalError
from consumer.models.advice import nowhere, unusable
from consumer.models.catalog import KNOWN, WEIGHTS
from consumer.models.download import Download, download
from consumer.models.hub import HubError
from consumer.models.integrity import Defect, expected_of, inspect
from consumer.models.names import ALIASES, is_path, is_plain, means_folder, path_of, repository_of
from consumer.models.packages import folder_of, install, pieces_of, release_of
from consumer.models.record import FolderRecord, read_record
from contracts.transcript import ModelIdentity

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A folder that holds a whole model in CTranslate2 form."""

    path: Path
    identity: ModelIdentity


@dataclass(frozen=True, slots=True)
class Absent:
    """A source does not have the model."""

    reason: str = ""
    """A clause for the user; empty where the source does not come into question."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that somebody asks for."""

    name: str
    """A name, a repository of the hub (owner/name), or a path."""
    cache_dir: Path
    """Holds a folder per model; need not exist."""
    download: Download | None = None
    """How to fetch from the hub; None forbids it."""
    revision: str | None = None
    """A branch, tag or commit on the hub; packages are not asked then."""
    is_forced: bool = False
    """Whether to fetch it anew though the cache has it."""
    is_for_others: bool = False
    """Whether it must lie in the cache, where those find it who share no packages with us: containers on a volume."""


Source = Callable[[Wanted], LocatedModel | Absent]
"""Looks for a model. Blocks."""


def locate(name: str, cache_dir: Path, how: Download | None = None, *, is_forced: bool = False) -> LocatedModel:
    """Finds the weights of a model and checks them. Blocks: it hashes them, about 0.1 s for 100 MB.

    Args:
        name: a model's name, a repository of the hub, or the path of a folder in CTranslate2 form.
        cache_dir: holds a folder per model; need not exist.
        how: fetches from the hub what is nowhere else; None forbids it.
        is_forced: whether to fetch it anew though the cache has it.

    Raises:
        FatalError: `MODEL_UNAVAILABLE`; the message names what was tried and what to do.
    """
    return find(Wanted(name, cache_dir, how, is_forced=is_forced))


def find(wanted: Wanted) -> LocatedModel:
    """As `locate`, for a certain revision, too.

    Raises:
        FatalError: `MODEL_UNAVAILABLE`; the message names what was tried and what to do.
    """
    reasons: list[str] = []
    for source in SOURCES:
        try:
            found = source(wanted)
        except OSError as exc:
            text = unusable(wanted.name, wanted.cache_dir, exc)
            raise FatalError(ExitCode.MODEL_UNAVAILABLE, text) from exc
        if isinstance(found, LocatedModel):
            return found
        reasons += [found.reason] if found.reason else []
    raise FatalError(ExitCode.MODEL_UNAVAILABLE, nowhere(wanted.name, wanted.cache_dir, reasons))


def cache_folder(name: str, cache_dir: Path) -> Path | None:
    """Where the cache keeps a model; None for what can only be a path."""
    if not is_plain(name):
        return None
    folder = cache_dir / name
    return folder if folder.is_dir() else cache_dir / ALIASES.get(name, name)


def _from_path(wanted: Wanted) -> LocatedModel | Absent:
    if not means_folder(wanted.name):
        return Absent()
    folder = path_of(wanted.name)
    record = read_record(folder)
    verdict = inspect(folder, record.sha256 if record else None)
    if isinstance(verdict, Defect):
        return Absent(f"the folder {folder} {verdict.reason}" if folder.is_dir() else _no_folder(folder))
    folder = folder.resolve()
    revision = record.revision if record else None
    return LocatedModel(folder, ModelIdentity(name=folder.name, revision=revision, sha256=verdict))


def _no_folder(path: Path) -> str:
    return f"{path} is no folder" if path.exists() else f"there is no folder {path}"


def _from_cache(wanted: Wanted) -> LocatedModel | Absent:
    folder = cache_folder(wanted.name, wanted.cache_dir)
    if folder is None:
        return Absent()
    if wanted.is_forced:
        return Absent("the cache was not to be used")
    if not folder.is_dir():
        return Absent(f"the cache has no {folder}")
    record = read_record(folder)
    if wanted.revision and not (record and record.answers(wanted.revision)):
        return Absent(f"the cached {folder} is {_revision_in_words(record)}")
    verdict = inspect(folder, expected_of(wanted.name, record), wanted.name)
    if isinstance(verdict, Defect):
        log.warning("model_cache_broken", folder=str(folder), reason=verdict.reason)
        return Absent(f"the cached {folder} {verdict.reason}")
    revision = record.revision if record else None
    return LocatedModel(folder.resolve(), ModelIdentity(name=wanted.name, revision=revision, sha256=verdict))


def _revision_in_words(record: FolderRecord | None) -> str:
    return f"revision {record.revision}" if record and record.revision else "of no known revision"


def _from_packages(wanted: Wanted) -> LocatedModel | Absent:
    known = KNOWN.get(wanted.name)
    if known is None:
        return Absent()
    if wanted.revision:
        return Absent("packages hold no revisions")
    pieces = pieces_of(known)
    if isinstance(pieces, Defect):
        return Absent(f"its weight packages are {pieces.reason}")
    cached = wanted.cache_dir / wanted.name
    # What exists is broken: put it right.
    folder = None if wanted.is_for_others or cached.exists() else folder_of(pieces)
    if folder is None:
        folder = cached
        verdict: str | Defect | None = install(pieces, known, folder, is_forced=wanted.is_forced)
    else:
        verdict = inspect(folder, known.sha256)
    if isinstance(verdict, Defect):
        return Absent(f"what {' and '.join(known.distributions)} hold {verdict.reason}: install them again")
    identity = ModelIdentity(name=wanted.name, revision=release_of(known), sha256=known.sha256[WEIGHTS])
    return LocatedModel(folder.resolve(), identity)


def _from_hub(wanted: Wanted) -> LocatedModel | Absent:
    repository = repository_of(wanted.name)
    folder = cache_folder(wanted.name, wanted.cache_dir)
    if repository is None or folder is None:
        return Absent("" if is_path(wanted.name) else "no repository of the hub is known for it")
    if wanted.download is None:
        return Absent("the hub was not asked (STENO_MODELS__OFFLINE)")
    try:
        record = download(
            wanted.download, repository, folder=folder, revision=wanted.revision, is_forced=wanted.is_forced
        )
    except HubError as exc:
        return Absent(str(exc))
    identity = ModelIdentity(name=wanted.name, revision=record.revision, sha256=record.sha256[WEIGHTS])
    return LocatedModel(folder.resolve(), identity)


SOURCES: Final[tuple[Source, ...]] = (_from_path, _from_cache, _from_packages, _from_hub)
"""Where weights come from, the first that has them wins."""
