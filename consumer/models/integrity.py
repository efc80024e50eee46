"""Whether a folder of weights is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.models.catalog import KNOWN, WEIGHTS
from consumer.models.layout import flaw_of
from consumer.models.names import NAMES, repository_of
from consumer.models.record import RECORD, FolderRecord

REQUIRED: Final = ("config.json", WEIGHTS, "tokenizer.json")
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
USED: Final = frozenset((*REQUIRED, *VOCABULARIES, "preprocessor_config.json"))
"""Every file that faster-whisper reads; what else a repository holds is not fetched."""


_MEGABYTE: Final = 1e6
_SMALLEST_SHARE: Final = 0.4
_LARGEST_SHARE: Final = 2.2
"""Of the hub's float16: somebody's own conversion to int8 has half of it, one to float32 twice as much."""


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a folder cannot be used, as the end of a sentence."""

    reason: str


def expected_of(name: str, record: FolderRecord | None) -> Mapping[str, str] | None:
    """The sha256 of every file of a model: as recorded, else as known for the name; None where nobody knows."""
    if record:
        return record.sha256
    repository = repository_of(name)
    known = [model for each, model in KNOWN.items() if repository == NAMES[each].repository]
    return known[0].sha256 if known else None


def inspect(folder: Path, expected: Mapping[str, str] | None, name: str | None = None) -> str | Defect:
    """Checks a folder and returns the sha256 of its weights in hex, or what is wrong with it. Blocks.

    Args:
        folder: holds a model in CTranslate2 form.
        expected: the sha256 of every file; None where none is known, and layout and size have to do.
        name: what the model is said to be, where that tells a size.
    """
    missing = _missing(folder, expected)
    if missing:
        return Defect(f"lacks {', '.join(missing)}")
    if expected is None:
        flaw = flaw_of(folder / WEIGHTS)
        return Defect(f"has a {WEIGHTS} that {flaw}") if flaw else _sized(folder, name) or sha256_of(folder / WEIGHTS)
    return damage_in({file: [folder / file] for file in expected}, expected) or expected[WEIGHTS]


def damage_in(pieces: Mapping[str, Sequence[Path]], expected: Mapping[str, str]) -> Defect | None:
    """Checks files that lie in pieces, each joined in order, against their sha256. Blocks."""
    damaged = next((name for name, sha256 in expected.items() if sha256_of(*pieces[name]) != sha256), None)
    return Defect(f"has a damaged {damaged} (its sha256 is not the known one)") if damaged else None


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


def sha256_of(*files: Path) -> str:
    """Hash in hex of one file, or of several joined in this order. Blocks, about 0.1 s for 100 MB."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            hashlib.file_digest(stream, lambda: digest)  # goes on with the digest that it is given
    return digest.hexdigest()


def _sized(folder: Path, name: str | None) -> Defect | None:
    size_mb = size_of(folder) / _MEGABYTE
    known = NAMES.get(name or "")
    if known is None or _SMALLEST_SHARE <= size_mb / known.about_mb <= _LARGEST_SHARE:
        return None
    return Defect(f"has {size_mb:.0f} MB, which no '{name}' has (about {known.about_mb} MB)")


def _missing(folder: Path, expected: Iterable[str] | None) -> list[str]:
    present = [path.name for path in folder.glob("*") if path.is_file()]
    return missing_names(present) if expected is None else [name for name in expected if name not in present]
