"""What a repository of the hub holds, and whether a file is what the hub says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.models.integrity import sha256_of

_PART: Final = ".part"
_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository."""

    name: str
    size_bytes: int
    sha256: str | None
    """Where it is kept apart from the repository's own git, as weights are."""
    git_sha1: str | None
    """Git's name for its content, where it is kept there."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that make a model, at one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


def part_of(file: HubFile) -> str:
    """The name under which its beginning lies; another content has another one, so that two are never mixed."""
    return f"{file.name}.{(file.sha256 or file.git_sha1 or 'unknown')[:16]}{_PART}"


def is_intact(file: HubFile, path: Path) -> bool:
    """Whether what lies there is the file, by size and by whichever hash the hub tells. Blocks: it reads it."""
    if path.stat().st_size != file.size_bytes:
        return False
    if file.sha256:
        return sha256_of(path) == file.sha256
    return file.git_sha1 is None or _git_sha1_of(path) == file.git_sha1


def _git_sha1_of(path: Path) -> str:
    """Git's name for a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
