"""The names that a model may have: those of faster-whisper, each with its repository on the hub."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

_PART: Final = r"[A-Za-z0-9][\w.-]{0,95}"
"""As long as the hub lets a name be."""
_REPOSITORY: Final = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_LONGEST_BYTES: Final = 200
"""Of a folder's name; the file systems' 255 leave room for what stands beside it."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """Where the hub keeps a model."""

    repository: str
    """Owner and name."""
    about_mb: int
    """Size of all files in 10^6 bytes, for a person who decides whether to fetch it; the hub tells the exact one."""


NAMES: Final[Mapping[str, HubModel]] = MappingProxyType(
    {
        "tiny.en": HubModel("Systran/faster-whisper-tiny.en", 78),
        "tiny": HubModel("Systran/faster-whisper-tiny", 78),
        "base.en": HubModel("Systran/faster-whisper-base.en", 148),
        "base": HubModel("Systran/faster-whisper-base", 148),
        "small.en": HubModel("Systran/faster-whisper-small.en", 486),
        "small": HubModel("Systran/faster-whisper-small", 486),
        "medium.en": HubModel("Systran/faster-whisper-medium.en", 1530),
        "medium": HubModel("Systran/faster-whisper-medium", 1530),
        "large-v1": HubModel("Systran/faster-whisper-large-v1", 3090),
        "large-v2": HubModel("Systran/faster-whisper-large-v2", 3090),
        "large-v3": HubModel("Systran/faster-whisper-large-v3", 3090),
        "large": HubModel("Systran/faster-whisper-large-v3", 3090),
        "distil-large-v2": HubModel("Systran/faster-distil-whisper-large-v2", 1510),
        "distil-medium.en": HubModel("Systran/faster-distil-whisper-medium.en", 792),
        "distil-small.en": HubModel("Systran/faster-distil-whisper-small.en", 336),
        "distil-large-v3": HubModel("Systran/faster-distil-whisper-large-v3", 1520),
        "distil-large-v3.5": HubModel("distil-whisper/distil-large-v3.5-ct2", 1520),
        "large-v3-turbo": HubModel("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1620),
        "turbo": HubModel("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1620),
    }
)
"""By name, in the order of size; a test compares them with faster-whisper's own table, which is code of the engine."""

ALIASES: Final[Mapping[str, str]] = MappingProxyType({"large": "large-v3", "turbo": "large-v3-turbo"})
"""Short names, and the names under which the cache keeps what they stand for."""


def repository_of(name: str) -> str | None:
    """The repository behind a name; `owner/name` is one itself. None where it can be none, such as a path."""
    known = NAMES.get(name)
    if known:
        return known.repository
    return name if _REPOSITORY.fullmatch(name) else None


def is_plain(name: str) -> bool:
    """Whether a folder of the cache can have this name."""
    is_strange = not name.strip() or "\0" in name or len(os.fsencode(name)) > _LONGEST_BYTES
    return not (is_strange or is_path(name) or ".." in name.split("/"))


def is_path(name: str) -> bool:
    """Whether the name can only be meant as a path: `owner/name` may be a repository as well."""
    return name.startswith(("/", "~", ".")) or name.endswith("/") or name.count("/") > 1


def means_folder(name: str) -> bool:
    """Whether the name is used as a path: it can only be one, or is `owner/name` and there is a folder of this name."""
    return is_path(name) or ("/" in name and _is_folder(name))


def path_of(name: str) -> Path:
    """The path that a name means; `~somebody` stays where nobody has this name."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def path_here(name: str) -> str | None:
    """How to write a bare name that shall mean the folder of the current directory; None where there is no such."""
    return f"./{name}" if is_plain(name) and "/" not in name and _is_folder(name) else None


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # longer than a name may be, or closed to us
        return False
