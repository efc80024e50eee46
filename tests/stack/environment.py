"""Python environments that are not ours, from a hashed lock."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.stack.service import MissingServiceError

_INSTALL_TIMEOUT_S: Final = 900


def python_for(minor: str) -> str:
    """An interpreter of that minor version, say "3.13": the current one, one on the path, or one of pyenv's.

    Raises:
        MissingServiceError: there is none.
    """
    for candidate in _candidates(minor):
        if _output([candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == minor:
            return candidate
    raise MissingServiceError(f"there is no Python {minor} (python{minor} on the path, or in pyenv)")


def make_environment(folder: Path, python: str, lock: Path) -> None:
    """Fills the folder with an environment of exactly what the lock says.

    Raises:
        MissingServiceError: the packages cannot be had.
    """
    ours = str(folder / "bin" / "python")
    uv = shutil.which("uv")
    if uv and _output([uv, "--version"]):
        _install([uv, "venv", "-q", "--allow-existing", "--python", python, str(folder)])
        _install([uv, "pip", "install", "-q", "--python", ours, "--require-hashes", "-r", str(lock)])
    else:
        _install([python, "-m", "venv", str(folder)])
        _install([ours, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)])


def install_alone(folder: Path, lock: Path) -> None:
    """Fills the folder with the packages of the lock and nothing that they need; builds them where that must be.

    Raises:
        MissingServiceError: the packages cannot be had.
    """
    what = ["install", "-q", "--no-deps", "--require-hashes", "--target", str(folder), "-r", str(lock)]
    uv = shutil.which("uv")
    if uv and _output([uv, "--version"]):
        _install([uv, "pip", *what, "--python", sys.executable])
    else:
        _install([sys.executable, "-m", "pip", *what])


def make_environment_of(wheel: Path, folder: Path, lock: Path) -> str:
    """An environment with a wheel and what it asks for, no extras, in the versions of the lock; its interpreter.

    Raises:
        MissingServiceError: the packages cannot be had.
    """
    ours = str(folder / "bin" / "python")
    versions = folder.with_suffix(".constraints")
    pins = re.findall(r"^[\w.-]+==\S+(?: ; .*?)?(?= \\$)", lock.read_text("utf-8"), re.MULTILINE)
    versions.write_text("\n".join(pins), "utf-8")
    uv = shutil.which("uv")
    if uv and _output([uv, "--version"]):
        _install([uv, "venv", "-q", "--python", sys.executable, str(folder)])
        _install([uv, "pip", "install", "-q", "--python", ours, "-c", str(versions), str(wheel)])
    else:
        _install([sys.executable, "-m", "venv", str(folder)])
        _install([ours, "-m", "pip", "install", "-q", "-c", str(versions), str(wheel)])
    return ours


def _candidates(minor: str) -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{minor}"):
        yield found
    pyenv = shutil.which("pyenv")
    root = _output([pyenv, "root"]) if pyenv else ""
    if root:
        yield from sorted(str(path) for path in Path(root, "versions").glob(f"{minor}.*/bin/python{minor}"))


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _install(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise MissingServiceError(f"{' '.join(command[:4])} failed: {done.stderr[-1000:]}")
