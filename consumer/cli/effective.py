"""The settings in force, each with its origin, as anybody may see them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from consumer.core.masking import MASK, without_credentials
from consumer.dotfile import ENV_FILE
from consumer.environment import declared
from consumer.settings import Settings

DEFAULT: Final = "default"
DERIVED: Final = "derived"
ENVIRONMENT: Final = "environment"
_LIBRARIES: Final = ("AWS_", "HF_", "OTEL_")
_SECRET: Final = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|HEADERS")


@dataclass(frozen=True, slots=True)
class Effective:
    """One variable as it is in force."""

    variable: str
    value: object
    """As JSON has it; a secret, and what a URL holds of credentials, is masked."""
    origin: str
    """`environment`, the name of the file, `default`, or `derived` from other settings or this machine."""


def effective(settings: Settings, origins: Mapping[str, str]) -> Iterator[Effective]:
    """Every setting, by groups, in the order of the reference.

    Args:
        settings: as they were read.
        origins: where each variable that is set comes from.
    """
    for field in declared():
        value = getattr(getattr(settings, field.group), field.name)
        otherwise = DEFAULT if field.default == value else DERIVED
        yield Effective(field.variable, shown(value), origins.get(field.variable, otherwise))


def of_libraries(environment: Mapping[str, str]) -> Iterator[Effective]:
    """What the libraries for storage, models and telemetry read for themselves, by name."""
    for name, value in sorted(environment.items()):
        if name.startswith(_LIBRARIES) and value:
            is_secret = _SECRET.search(name) and not name.endswith("_FILE")
            yield Effective(name, MASK if is_secret else without_credentials(value), ENVIRONMENT)


def notices(environment: Mapping[str, str], in_file: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each variable that looks like a setting and that nobody reads.

    Such names do not stop a worker: files are shared with other programs, and Kubernetes injects STENO_HEALTH_PORT
    for a Service called steno-health.
    """
    meant = {field.variable.replace("__", "_"): field.variable for field in declared()}
    for name in sorted({*environment, *in_file}):
        if name.upper() in meant:
            yield f"{name} is not read; did you mean {meant[name.upper()]}?"
    for name in sorted(in_file):
        if name.startswith(_LIBRARIES) and name not in environment:
            yield f"{name} is set in {ENV_FILE}, where its library does not look; export it to the environment"


def shown(value: object) -> object:
    """A value as JSON has it, without its secrets."""
    match value:
        case SecretStr():
            return MASK if value.get_secret_value() else ""
        case Path():
            return str(value)
        case str():
            return without_credentials(value)
        case tuple() | list():
            return [shown(item) for item in value]
    return value
