"""openai/whisper's own source, from a hashed source package without anything that it needs."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.stack.cache import fetched
from tests.stack.environment import install_alone

LOCK: Final = Path(__file__).parents[1] / "data" / "openai-whisper.lock"
_FILES: Final = ("utils.py", "tokenizer.py")


def whisper_source() -> Path:
    """A folder with its `utils.py`, which needs the standard library only, and its `tokenizer.py`.

    Raises:
        MissingServiceError: the package cannot be had.
    """
    return fetched("openai-whisper", LOCK.read_bytes(), _fetch)


def load_writers() -> ModuleType:
    """`whisper.utils`.

    Raises:
        MissingServiceError: the package cannot be had.
    """
    spec = importlib.util.spec_from_file_location("whisper_utils", whisper_source() / "utils.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as target:
        install_alone(Path(target), LOCK)
        for name in _FILES:
            shutil.copy(Path(target, "whisper", name), folder)
