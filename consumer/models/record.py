"""What lies in a folder of weights, written beside them as the last file: `steno.json`.

A folder that steno filled is whole exactly if every file is as its record says. A folder without a record was
filled by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumer.models.catalog import WEIGHTS

RECORD: Final = "steno.json"


class RecordedFile(BaseModel):
    """One file as it must be."""

    model_config = ConfigDict(frozen=True, strict=True)

    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class FolderRecord(BaseModel):
    """Where the files of a folder came from and what they are."""

    model_config = ConfigDict(frozen=True, strict=True)

    source: str
    """A repository of the hub, or the packages that held the weights."""
    revision: str | None
    """The commit in that repository, or the packages' versions; None for files that are known by their hashes alone."""
    asked_revision: str | None = None
    """The branch, tag or commit that was asked for; None for the newest."""
    files: Mapping[str, RecordedFile]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files.values())

    @property
    def sha256(self) -> dict[str, str]:
        """Hashes by file."""
        return {name: file.sha256 for name, file in self.files.items()}

    def answers(self, revision: str) -> bool:
        """Whether this is what somebody who asks for that revision gets; a commit may be cut short."""
        is_commit = len(revision) >= 7 and (self.revision or "").startswith(revision)  # noqa: PLR2004 - git's shortest
        return is_commit or revision == self.asked_revision


def read_record(folder: Path) -> FolderRecord | None:
    """The record of a folder; None where there is none that can be read.

    Raises:
        OSError: there is one and the system does not let us read it.
    """
    file = folder / RECORD
    try:
        record = FolderRecord.model_validate_json(file.read_bytes()) if file.is_file() else None
    except (FileNotFoundError, ValidationError):
        return None
    return record if record and WEIGHTS in record.files else None


def is_by_hand(folder: Path) -> bool:
    """Whether weights lie there that steno did not bring."""
    return (folder / WEIGHTS).is_file() and read_record(folder) is None


def write_record(folder: Path, record: FolderRecord) -> None:
    """Writes it; to be durable the folder has still to be synchronised."""
    (folder / RECORD).write_text(record.model_dump_json(indent=2) + "\n", "utf-8")
