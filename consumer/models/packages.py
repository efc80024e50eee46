"""Weights from installed packages: used in place where they lie as a model's folder, else joined into the cache."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from consumer.models.catalog import KnownModel, PackagedFile
from consumer.models.integrity import Defect, inspect

LOCK_WAIT_S: Final = 120.0
_LOCK_POLL_S: Final = 0.05
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


def install(pieces: Mapping[str, Sequence[Path]], expected: Mapping[str, str], folder: Path) -> Defect | None:
    """Joins the pieces into `folder`, replacing what is broken there. Blocks; several processes may do it at once.

    Readers see the whole folder or none: it is written beside and renamed.

    Returns:
        What is wrong with the pieces; then `folder` is as it was.

    Raises:
        OSError: the cache cannot be written.
        TimeoutError: another process has been at it for `LOCK_WAIT_S`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.parent / f".{folder.name}.lock"):
        if not isinstance(inspect(folder, expected), Defect):
            return None
        partial = folder.parent / f".{folder.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _join(pieces, partial)
            verdict = inspect(partial, expected)
            if isinstance(verdict, Defect):
                return verdict
            _move_into_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return None


def _is_installed(model: KnownModel, distribution: str) -> bool:
    modules = {
        piece.module for pieces in model.packaged.values() for piece in pieces if piece.distribution == distribution
    }
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _path(piece: PackagedFile) -> Path:
    spec = importlib.util.find_spec(piece.module)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0] if locations else ".", piece.path)


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    with file.open("w") as stream:
        _acquire(stream)
        yield  # closing the file gives the lock back, and so does the death of its holder


def _acquire(stream: IO[str]) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process holds {stream.name}") from None
            time.sleep(_LOCK_POLL_S)
        else:
            return


def _join(pieces: Mapping[str, Sequence[Path]], folder: Path) -> None:
    folder.mkdir()
    for name, paths in pieces.items():
        with (folder / name).open("wb") as target:
            for path in paths:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target, _COPY_BYTES)
            target.flush()
            os.fsync(target.fileno())
    _sync(folder)


def _move_into_place(partial: Path, folder: Path) -> None:
    broken = folder.parent / f".{folder.name}.broken"
    shutil.rmtree(broken, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(broken)
    partial.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(broken, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
