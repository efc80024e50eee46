"""Whether a folder of weights is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.models.catalog import WEIGHTS
from consumer.models.record import RECORD, FolderRecord

REQUIRED: Final = ("config.json", WEIGHTS, "tokenizer.json")
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
USED: Final = frozenset((*REQUIRED, *VOCABULARIES, "preprocessor_config.json"))
"""Every file that faster-whisper reads; what else a repository holds is not fetched."""


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a folder cannot be used, as the end of a sentence."""

    reason: str


def inspect(folder: Path, expected: Mapping[str, str] | None) -> str | Defect:
    """Checks a folder and returns the sha256 of its weights in hex, or what is wrong with it. Blocks.

    Args:
        folder: holds a model in CTranslate2 form.
        expected: the sha256 of every file; None where the model is not known, and presence has to do.
    """
    missing = _missing(folder, expected)
    if missing:
        return Defect(f"lacks {', '.join(missing)}")
    for name, sha256 in (expected or {}).items():
        if sha256_of(folder / name) != sha256:
            return Defect(f"has a damaged {name} (its sha256 is not the known one)")
    return expected[WEIGHTS] if expected else sha256_of(folder / WEIGHTS)


def glance(folder: Path, record: FolderRecord | None) -> Defect | None:
    """Checks that every file is there and has its recorded size; reads none of them."""
    missing = _missing(folder, record.files if record else None)
    if missing:
        return Defect(f"lacks {', '.join(missing)}")
    files = record.files.items() if record else ()
    wrong = [name for name, file in files if (folder / name).stat().st_size != file.size_bytes]
    return Defect(f"has a damaged {wrong[0]} (its size is not the recorded one)") if wrong else None


def missing_names(names: Iterable[str]) -> list[str]:
    """What these names lack to be a model; either form of vocabulary will do."""
    present = set(names)
    missing = [name for name in REQUIRED if name not in present]
    return missing if present.intersection(VOCABULARIES) else [*missing, VOCABULARIES[0]]


def size_of(folder: Path) -> int:
    """Bytes of the files of a model, without the record."""
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file() and path.name != RECORD)


def sha256_of(file: Path) -> str:
    """Hash of a file in hex. Blocks, about 0.1 s for 100 MB."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _missing(folder: Path, expected: Iterable[str] | None) -> list[str]:
    present = [path.name for path in folder.glob("*") if path.is_file()]
    return missing_names(present) if expected is None else [name for name in expected if name not in present]
