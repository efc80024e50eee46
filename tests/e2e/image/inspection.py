"""Looks at a file system from within a container, and prints what it finds as JSON; needs an interpreter alone."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NOT_OF_THE_IMAGE: Final = ("/dev", "/proc", "/sys")
_BUILD_TOOLS: Final = ("cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "cmake", "cargo", "rustc", "go", "git")
_INSTALLERS: Final = ("pip", "pip3", "uv", "easy_install", "poetry", "npm", "curl", "wget", "sudo", "doas")
_CACHES: Final = ("/var/cache/apt/archives/", "/var/cache/pip/", "/var/lib/apt/lists/", "/src/", "/tmp/")
_HIDDEN_CACHE: Final = "/.cache/"
"""Of any user's home."""
_LARGE_BYTES: Final = 20_000_000
_UNCHECKED: Final = 1


def main() -> None:
    """Prints all findings."""
    paths = list(_paths())
    files = [path for path in paths if _is_file(path)]
    findings = {
        "writable": [path for path in paths if not Path(path).is_symlink() and os.access(path, os.W_OK)],
        "privileged": [path for path in files if os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)],
        "large": [path for path in files if os.lstat(path).st_size > _LARGE_BYTES],
        "programs": [name for name in (*_BUILD_TOOLS, *_INSTALLERS) if shutil.which(name)],
        "cached": [path for path in files if path.startswith(_CACHES) or _HIDDEN_CACHE in path],
        "uncompiled": [path for path in files if path.startswith("/opt/") and not _is_compiled(Path(path))],
    }
    json.dump(findings, sys.stdout)


def _paths() -> Iterator[str]:
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if f"/{name}" not in _NOT_OF_THE_IMAGE]
        yield folder
        yield from (os.path.join(folder, name) for name in files)  # noqa: PTH118 - 40 000 of them


def _is_file(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


def _is_compiled(source: Path) -> bool:
    """Whether bytecode is there, to be taken without a look at the source; true of what is no source."""
    if source.suffix != ".py":
        return True
    compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    return compiled.exists() and int.from_bytes(compiled.read_bytes()[4:8], "little") == _UNCHECKED


if __name__ == "__main__":
    main()
