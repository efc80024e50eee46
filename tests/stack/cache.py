"""What was fetched once for the stack and is used by every later run."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2] / ".cache" / "stack"
_DONE: Final = ".complete"


def fetched(name: str, recipe: bytes, fetch: Callable[[Path], None]) -> Path:
    """The folder that `fetch` filled for this recipe; filled now if it is not there.

    Runs side by side wait for each other. A folder of another recipe, or half filled, is removed first.
    """
    folder = ROOT / name
    digest = hashlib.sha256(recipe).hexdigest()
    ROOT.mkdir(parents=True, exist_ok=True)
    with (ROOT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _holds(folder, digest):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fetch(folder)
            (folder / _DONE).write_text(digest, "ascii")
    return folder


def _holds(folder: Path, digest: str) -> bool:
    done = folder / _DONE
    return done.exists() and done.read_text("ascii") == digest
