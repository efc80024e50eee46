"""The examples beside the contracts, read for tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from contracts.events import TYPE_PREFIX, TYPE_SUFFIX, Kind
from contracts.schema import FOLDER as SCHEMAS

FOLDER: Final = Path(SCHEMAS).parent / "examples"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an invalid example raises."""

    name: str
    code: str
    field: str | None
    message: str
    schema: bool | None

    def __str__(self) -> str:
        return self.name


def names(folder: str, prefix: str) -> list[str]:
    """Stems of the examples of one kind, `request`, `event`, `transcript` or `manifest`."""
    found = sorted(path.stem for path in (FOLDER / folder).glob(f"{prefix}*.json"))
    assert found
    return found


def read(folder: str, name: str) -> bytes:
    return (FOLDER / folder / f"{name}.json").read_bytes()


def expected() -> list[Expected]:
    """What `invalid/expected.yaml` says, in its order."""
    table: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "invalid" / "expected.yaml").read_text("utf-8"))
    return [Expected(name=name, **row) for name, row in table.items()]


def read_event(folder: str, name: str) -> tuple[list[tuple[str, bytes | None]], bytes]:
    """Headers and value as a Kafka client hands them over."""
    document = json.loads(read(folder, name))
    headers: list[tuple[str, bytes | None]] = [(key, text.encode()) for key, text in document["headers"].items()]
    return headers, json.dumps(document["value"]).encode()


def schema_of_event(headers: list[tuple[str, bytes | None]]) -> str:
    """The name of the schema that an event's value must fit."""
    raw = dict(headers)["ce_type"] or b""
    return (
        "outcome" if Kind(raw.decode().removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)).is_outcome else "progress"
    )


def schema_faults(name: str, document: object) -> list[ValidationError]:
    """Everything that a schema finds wrong."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return list(Draft202012Validator(schema).iter_errors(document))


def shown_python() -> list[str]:
    """The programs that the README shows to users of the client."""
    _, _, section = (FOLDER.parent / "README.md").read_text("utf-8").partition("## From Python\n")
    found = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert found
    return found
