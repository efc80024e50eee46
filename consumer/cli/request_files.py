"""Requests that stand in files: one as a JSON document, or several, one a line. All are judged before any is used."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from pydantic import BaseModel, ValidationError

from consumer.cli.printable import on_one_line
from contracts.requests import Contract, Input, Output, TranscriptionRequest

STANDARD_INPUT: Final = "-"
_MOST_TOLD: Final = 10
_MOST_CHARS: Final = 100
"""Of a name in a message."""
_PARTS: Final[Mapping[str, type[Contract]]] = {"": TranscriptionRequest, "input": Input, "output": Output}
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class WrittenRequest:
    """One request, and where it stands."""

    where: str
    """`file` or `file:line`."""
    request: TranscriptionRequest
    unknown: tuple[str, ...] = ()
    """A sentence for each name in it that this version does not know, and passes over as workers do."""


class _FaultError(Exception):
    """What is wrong with one request or one file, in a line."""


def read_requests(files: Sequence[str], flags: TranscriptionRequest) -> list[WrittenRequest]:
    """The requests of all files, `-` being standard input, with what the flags say in place of what they say.

    Raises:
        click.UsageError: naming file, line and field of what is wrong with them.
    """
    found: list[WrittenRequest] = []
    faults: list[str] = []
    for file in files:
        try:
            documents = list(_documents(file))
        except _FaultError as fault:
            faults.append(f"{_named(file)}{fault}")
            continue
        for line, document in documents:
            where = f"{_named(file)}:{line}" if line else _named(file)
            try:
                found.append(_written(where, document, flags))
            except _FaultError as fault:
                faults.append(f"{where}: {fault}")
    faults += _repeated_ids(found)
    if faults:
        more = [f"… and {len(faults) - _MOST_TOLD} more."] if len(faults) > _MOST_TOLD else []
        raise click.UsageError("\n".join([*map(on_one_line, faults[:_MOST_TOLD]), *more]))
    return found


def passed_over(found: Sequence[WrittenRequest]) -> Iterator[str]:
    """What to tell of names that are not known: each once, with the first place where it stands."""
    places: dict[str, list[str]] = {}
    for each in found:
        for sentence in each.unknown:
            places.setdefault(sentence, []).append(each.where)
    for sentence, (first, *others) in places.items():
        yield on_one_line(f"{first}: {sentence}" + (f" It stands in {len(others)} more." if others else ""))


def _named(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file


def _documents(file: str) -> Iterator[tuple[int | None, Any]]:
    """JSON values with their line, or without one where the whole file is one value."""
    text = _text(file)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise _FaultError(": holds no request.")
    try:
        yield None, _parsed(text)
    except ValueError as whole:
        try:
            _parsed(lines[0][1])
        except ValueError:  # so it is no list of lines either
            raise _FaultError(_json_fault(whole, 0)) from whole
        yield from _parsed_lines(lines)


def _parsed_lines(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        try:
            yield number, _parsed(line)
        except ValueError as exc:
            raise _FaultError(_json_fault(exc, number - 1)) from exc


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:  # which workers refuse, too
            raise ValueError(f"the name {name[:_MOST_CHARS]!r} stands twice in one object")
        found[name] = value
    return found


def _json_fault(error: ValueError, lines_before: int) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f":{lines_before + error.lineno}: no JSON: {error.msg} at column {error.colno}."
    return f": no JSON: {error}."


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _FaultError(f": is no text in UTF-8 (byte {exc.start}).") from exc
    except OSError as exc:
        raise _FaultError(f" cannot be read: {exc.strerror or exc}.") from exc


def _written(where: str, document: Any, flags: TranscriptionRequest) -> WrittenRequest:
    if not isinstance(document, dict):
        raise _FaultError("expected one request, a JSON object with 'input'; several stand one a line.")
    request = _overridden(_valid(TranscriptionRequest, document), flags)
    return WrittenRequest(where, request, tuple(_unknown(document)))


def _unknown(document: Mapping[str, Any]) -> Iterator[str]:
    """What else is said may be meant for others, or for a version to come; whoever mistyped a name wants to know."""
    for field, model in _PARTS.items():
        part, prefix = (document.get(field), f"{field}.") if field else (document, "")
        for name in part if isinstance(part, dict) else ():
            if name not in model.model_fields:
                near = difflib.get_close_matches(name, model.model_fields, 1)
                hint = f"; did you mean '{prefix}{near[0]}'?" if near else "."
                yield f"{prefix}{name[:_MOST_CHARS]}: no such name, left out{hint}"


def _overridden(request: TranscriptionRequest, flags: TranscriptionRequest) -> TranscriptionRequest:
    """The request with what the flags say; pairs of `metadata` are added."""
    said = flags.model_dump(mode="json", exclude_unset=True, exclude={"input"})
    document = request.model_dump(mode="json", exclude_unset=True)
    for name, value in said.items():
        if isinstance(value, dict):
            document[name] = {**document.get(name, {}), **value}
        else:
            document[name] = value
    return _valid(TranscriptionRequest, document)


def _valid(model: type[Model], document: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate_json(json.dumps(document, ensure_ascii=False).encode())
    except UnicodeEncodeError as exc:
        raise _FaultError("a text holds half a character (an escape such as \\ud800 without its other half).") from exc
    except ValidationError as exc:
        raise _FaultError("; ".join(_fault(error["loc"], error["msg"]) for error in exc.errors()) + ".") from exc


def _fault(place: Sequence[int | str], message: str) -> str:
    field = ".".join(map(str, place))
    text = message.removeprefix("Value error, ")
    return f"{field}: {text[0].lower()}{text[1:]}" if field else text


def _repeated_ids(found: Sequence[WrittenRequest]) -> Iterator[str]:
    first: dict[tuple[str | None, str], str] = {}
    for each in found:
        job_id, tenant = each.request.job_id, each.request.tenant
        if job_id and (place := first.setdefault((tenant, job_id), each.where)) != each.where:
            yield f"{each.where}: job_id '{job_id}' stands at {place}, too."
