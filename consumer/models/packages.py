"""Weights from installed packages: used in place where they lie as a model's folder, else joined into the cache."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from consumer.models.catalog import KnownModel, PackagedFile
from consumer.models.integrity import Defect, inspect
from consumer.models.placing import locked, place, set_aside, workplace
from consumer.models.record import FolderRecord, RecordedFile, is_by_hand, write_record

_COPY_BYTES: Final = 1024 * 1024


def pieces_of(model: KnownModel) -> Mapping[str, list[Path]] | Defect:
    """Where the packaged pieces of every file of a model lie, or which package is missing. Imports nothing."""
    missing = [name for name in model.distributions if not _is_installed(model, name)]
    if missing:
        return Defect(f"not installed: {', '.join(missing)}")
    found = {name: [_path(piece) for piece in pieces] for name, pieces in model.packaged.items()}
    absent = [str(path) for paths in found.values() for path in paths if not path.is_file()]
    return Defect(f"incomplete, lacking {', '.join(absent)}") if absent else found


def folder_of(pieces: Mapping[str, Sequence[Path]]) -> Path | None:
    """The one folder in which all files lie whole under their own names, if there is one."""
    folders = {paths[0].parent for paths in pieces.values()}
    is_whole = all([path.name for path in paths] == [name] for name, paths in pieces.items())
    return folders.pop() if is_whole and len(folders) == 1 else None


def install(
    pieces: Mapping[str, Sequence[Path]], model: KnownModel, folder: Path, *, is_forced: bool = False
) -> Defect | None:
    """Joins the pieces into `folder`, replacing what is broken there, or what is whole if forced.

    Blocks; several processes may do it at once.

    Returns:
        What is wrong with the pieces; then `folder` is as it was.

    Raises:
        OSError: the cache cannot be written.
        TimeoutError: another process has been at it for too long.
    """
    with locked(folder):
        if not is_forced and not isinstance(inspect(folder, model.sha256), Defect):
            return None
        partial = workplace(folder)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            return _fill(pieces, model, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def release_of(model: KnownModel) -> str:
    """The packages that hold a model, with their versions."""
    return " ".join(f"{name}=={version(name)}" for name in model.distributions)


def _is_installed(model: KnownModel, distribution: str) -> bool:
    modules = {
        piece.module for pieces in model.packaged.values() for piece in pieces if piece.distribution == distribution
    }
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _path(piece: PackagedFile) -> Path:
    spec = importlib.util.find_spec(piece.module)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0] if locations else ".", piece.path)


def _fill(pieces: Mapping[str, Sequence[Path]], model: KnownModel, folder: Path) -> Defect | None:
    partial = workplace(folder)
    _join(pieces, partial)
    verdict = inspect(partial, model.sha256)
    if isinstance(verdict, Defect):
        return verdict
    write_record(partial, _record(model, partial))
    if is_by_hand(folder):
        set_aside(folder)
    place(folder)
    return None


def _join(pieces: Mapping[str, Sequence[Path]], folder: Path) -> None:
    folder.mkdir()
    for name, paths in pieces.items():
        with (folder / name).open("wb") as target:
            for path in paths:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target, _COPY_BYTES)


def _record(model: KnownModel, folder: Path) -> FolderRecord:
    files = {
        name: RecordedFile(size_bytes=(folder / name).stat().st_size, sha256=sha256)
        for name, sha256 in model.sha256.items()
    }
    return FolderRecord(source="packages", revision=release_of(model), files=files)
