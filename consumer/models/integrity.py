"""Whether a folder of weights is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.models.catalog import WEIGHTS

_REQUIRED: Final = ("config.json", WEIGHTS, "tokenizer.json")
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")


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
    missing = [name for name in expected or _REQUIRED if not (folder / name).is_file()]
    if expected is None and not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(_VOCABULARIES[0])
    if missing:
        return Defect(f"lacks {', '.join(missing)}")
    for name, sha256 in (expected or {}).items():
        if sha256_of(folder / name) != sha256:
            return Defect(f"has a damaged {name} (its sha256 is not the known one)")
    return expected[WEIGHTS] if expected else sha256_of(folder / WEIGHTS)


def sha256_of(file: Path) -> str:
    """Hash of a file in hex. Blocks, about 0.1 s for 100 MB."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
