"""A request's options as flags, generated from the contract: a new option is a new flag of the same name."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import click
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from consumer.cli.suggestions import BY_OPTION
from contracts.requests import Options

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")


def split_commas(text: str) -> tuple[str, ...]:
    """The items of a list with commas between them; the contract judges them."""
    return tuple(item.strip() for item in text.split(","))


def split_pairs(text: str) -> dict[str, Any]:
    """A mapping from JSON or from `name=value` pairs with commas between them; the contract judges it.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        read = json.loads(text) if text.lstrip().startswith("{") else dict(map(split_pair, text.split(",")))
    except ValueError as exc:
        raise click.BadParameter(f"neither JSON nor name=value pairs: {exc}.") from exc
    return cast("dict[str, Any]", read)


def split_pair(text: str) -> tuple[str, str]:
    """The two sides of `name=value`.

    Raises:
        click.BadParameter: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"{text.strip()!r} is not name=value.")
    return name.strip(), value.strip()


def request_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Gives a command one flag for each option of a request; it gets them as one `options`, valid."""

    @functools.wraps(command)
    def collect(*context: Any, **arguments: Any) -> Result:
        given = {name: arguments.pop(name) for name in Options.model_fields}
        return command(*context, options=validated(Options, given), **arguments)

    flagged: Callable[..., Result] = collect
    for name, field in reversed(Options.model_fields.items()):
        flagged = _flag(name, field)(flagged)
    return flagged


def validated(model: type[Model], given: Mapping[str, object], flags: Mapping[str, str] | None = None) -> Model:
    """Builds a model from flags; one that was not given (None) keeps the model's default.

    Args:
        model: what to build.
        given: values by field.
        flags: by field, where a flag is called otherwise.

    Raises:
        click.UsageError: naming the flag and what is wrong with it.
    """
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None}, strict=False)
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
        # A list whose items do not fit counts as empty; that is no second fault.
        errors = [error for error in errors if error["type"] != "too_short"] or errors
        faults = (_fault(error, flags or {}) for error in errors)
        raise click.UsageError("\n".join(faults)) from exc


def flag_of(field: str) -> str:
    """The flag that stands for a field."""
    return f"--{field.replace('_', '-')}"


def _flag(name: str, field: FieldInfo) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    plain = _plain_type(field.annotation)
    flag, meaning = flag_of(name), (field.description or "").replace("`", "'")
    if plain is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=meaning)
    if get_origin(plain) is tuple:
        return click.option(flag, name, type=split_commas, metavar="VALUE,…", help=meaning)
    if issubclass(plain, BaseModel):
        return click.option(flag, name, type=split_pairs, metavar="NAME=VALUE,…", help=meaning)
    choice = click.Choice([member.value for member in plain]) if issubclass(plain, StrEnum) else plain
    return click.option(flag, name, type=choice, default=None, help=meaning, shell_complete=BY_OPTION.get(name))


def _plain_type(annotation: Any) -> Any:
    """The type behind `X | None` and `Annotated`."""
    if get_origin(annotation) in (Union, UnionType):
        return _plain_type(next(part for part in get_args(annotation) if part is not NoneType))
    return _plain_type(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _fault(error: ErrorDetails, flags: Mapping[str, str]) -> str:
    text = "no such name" if error["type"] == "extra_forbidden" else error["msg"].removeprefix("Value error, ")
    where = [part for part in error["loc"] if isinstance(part, str)]
    flag = [flags.get(field, flag_of(field)) for field in where[:1]]
    return ": ".join([*flag, *where[1:], f"{text[0].lower()}{text[1:]}."])
