"""Settings as variables: read from the environment and the `.env` file, listed, checked and written."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from consumer import dotfile
from consumer.core.failures import ExitCode, FatalError
from consumer.core.masking import without_credentials
from consumer.settings import DELIMITER, PREFIX, Group, Settings, variable_of
from consumer.settings.notation import home

_PLAINER: Final = {
    "bool_parsing": "write true or false",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
}
"""By pydantic's types of errors, what says more than its own words."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as it is declared."""

    group: str
    name: str
    variable: str
    default: object
    """None where it is worked out, as for what has no other default."""
    meaning: str


def declared() -> Iterator[Declared]:
    """Every setting, by groups."""
    for group_name, group in Settings.model_fields.items():
        for name, field in cast("type[Group]", group.annotation).model_fields.items():
            default = None if field.default_factory else field.default
            yield Declared(group_name, name, variable_of(group_name, name), default, field.description or "")


def variables() -> Iterator[tuple[str, str, str]]:
    """Every variable with its default as text, empty where it is worked out, and its meaning; by groups."""
    for field in declared():
        yield field.variable, _default_text(field.default), field.meaning


def load_settings() -> Settings:
    """Reads the environment and `.env`.

    Raises:
        FatalError: with `BAD_SETTINGS`; the message names every faulty variable, one a line.
    """
    settings, faults = _read()
    if settings is None or faults:
        text = "\n".join(dict.fromkeys(map(without_credentials, faults)))
        raise FatalError(ExitCode.BAD_SETTINGS, text)
    return settings


def origins() -> dict[str, str]:
    """Where each variable that is set and not empty comes from: `environment`, or the name of the file.

    Raises:
        OSError: the file cannot be read.
    """
    from_file = {name.upper(): dotfile.ENV_FILE for name, value in dotfile.read_values().items() if value}
    return from_file | {name.upper(): "environment" for name, value in os.environ.items() if value}


def _read() -> tuple[Settings | None, list[str]]:
    """The settings as far as they can be had, and every fault."""
    faults: list[str] = []
    try:
        faults += dotfile.faults(PREFIX)
        faults += unknown_variables([*os.environ, *dotfile.read_values()])
        faults += _doubled_variables(os.environ)
        return Settings(), faults
    except ValidationError as exc:
        faults += [fault for error in exc.errors(include_url=False) for fault in _faults(error)]
    except SettingsError as exc:  # the value of a whole group, which is named among the unknown ones already
        faults = faults or [str(exc)]
    except UnicodeError:
        faults.append(f"the file {dotfile.ENV_FILE} cannot be read: it is not UTF-8; save it in this encoding")
    except OSError as exc:
        faults.append(
            f"the file {dotfile.ENV_FILE} cannot be read ({exc.strerror}); let this user read it, or remove it"
        )
    return None, faults


def unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """One sentence for each `STENO_<GROUP>__*` or `STENO_<GROUP>` name that is no setting, naming the nearest one.

    Other names without `__` are not ours: Kubernetes injects `STENO_PORT` and the like for a Service called steno.
    """
    known = [variable for variable, _, _ in variables()]
    groups = {f"{PREFIX}{group}".upper() for group in Settings.model_fields}
    for name in dict.fromkeys(name.upper() for name in names):
        is_ours = name in groups or (name.startswith(PREFIX) and DELIMITER in name)
        if is_ours and name not in known:
            nearest = max(known, key=partial(_likeness, name))
            yield f"{name} is not a setting; did you mean {nearest}?"


def _likeness(name: str, variable: str) -> float:
    """0 to 2: how much two names are alike as a whole, and how well the words of the first are found in the second."""
    wanted, words = _words(name), _words(variable)
    found = sum(len(word) * max(_ratio(word, other) for other in words) for word in wanted)
    return _ratio(name, variable) + found / (sum(map(len, wanted)) or 1)


def _words(name: str) -> list[str]:
    return name.removeprefix(PREFIX).replace(DELIMITER, "_").split("_")


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _doubled_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each variable that is set in two spellings, as `STENO_A__B` and `steno_a__b`, to two values."""
    spellings: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        if name.upper().startswith(PREFIX) and value:
            spellings.setdefault(name.upper(), {})[name] = value
    for values in spellings.values():
        if len(set(values.values())) > 1:
            yield f"{' and '.join(sorted(values))} are one variable and have two values; unset one of them"


def _faults(error: ErrorDetails) -> Iterator[str]:
    variable = PREFIX + DELIMITER.join(str(part) for part in error["loc"][:2]).upper()
    message = _PLAINER.get(error["type"], error["msg"])
    for line in message.removeprefix("Value error, ").splitlines():
        names_it = line.startswith(PREFIX)  # as a sentence about several variables does
        yield line if names_it else f"{variable}: {line[0].lower()}{line[1:]}"


def _default_text(default: object) -> str:
    if isinstance(default, Path):
        return f"~/{default.relative_to(home())}" if default.is_relative_to(home()) else str(default)
    if default is None or default in ((), ""):
        return ""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def as_environment(values: Mapping[str, str | int | float | Path]) -> dict[str, str]:
    """Text form of settings for a child process's environment, from `group.field` names."""
    return {f"{PREFIX}{name.replace('.', DELIMITER)}".upper(): str(value) for name, value in values.items()}
