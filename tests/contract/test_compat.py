"""Changes of the schemas, each caught or allowed by what it does to the other side."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from contracts import compat
from contracts.compat import DIRECTIONS, Direction, breaking
from contracts.schema import MODELS, make_schema

Schema = dict[str, Any]
Mutation = Callable[[Schema], object]
READ, WRITE = Direction.READ, Direction.WRITE
VAD: Final = "options/vad_parameters"


def at(schema: Schema, place: str) -> Schema:
    """The schema of a field, by the path of its name; references are followed, null passed over."""
    found = schema
    for name in filter(None, place.split("/")):
        found = followed(schema, found)["properties"][name]
    return followed(schema, found)


def followed(root: Schema, found: Schema) -> Schema:
    if "anyOf" in found:
        (found,) = (each for each in found["anyOf"] if each.get("type") != "null")
    return root["$defs"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found


def drop(place: str, name: str) -> Mutation:
    def mutate(schema: Schema) -> None:
        owner = at(schema, place)
        del owner["properties"][name]
        owner["required"] = [each for each in owner.get("required", []) if each != name]

    return mutate


def add(place: str, name: str, kind: str = "string", *, required: bool = False) -> Mutation:
    def mutate(schema: Schema) -> None:
        owner = at(schema, place)
        owner["properties"][name] = {"type": kind}
        owner["required"] = [*owner.get("required", []), *([name] if required else [])]

    return mutate


def require(place: str, name: str) -> Mutation:
    return lambda schema: at(schema, place).setdefault("required", []).append(name)


def release(place: str, name: str) -> Mutation:
    return lambda schema: at(schema, place)["required"].remove(name)


def put(place: str, **words: Any) -> Mutation:
    """Sets words of a field's schema; None takes one away."""

    def mutate(schema: Schema) -> None:
        field = at(schema, place)
        for word, value in words.items():
            field.pop(word, None) if value is None else field.update({word: value})

    return mutate


def nullable(owner: str, name: str, *, on: bool) -> Mutation:
    def mutate(schema: Schema) -> None:
        fields = at(schema, owner)["properties"]
        inner = followed(schema, fields[name]) if not on else fields[name]
        fields[name] = {"anyOf": [inner, {"type": "null"}]} if on else inner

    return mutate


def default(owner: str, name: str, value: Any) -> Mutation:
    return lambda schema: at(schema, owner)["properties"][name].update({"default": value})


def of_segment(schema: Schema) -> Schema:
    fields: Schema = schema["$defs"]["Segment"]["properties"]
    return fields


CAUGHT: Final[dict[str, tuple[str, Mutation, str]]] = {
    "a field of a request removed": ("request", drop("", "correlation_id"), "/correlation_id"),
    "a field of an option removed": ("request", drop("options", "hotwords"), "/options/hotwords"),
    "a required field added to a request": ("request", add("", "callback", required=True), "/callback"),
    "an optional field of a request required": ("request", require("", "job_id"), "/job_id"),
    "a request's type narrowed": ("request", put("options/beam_size", type="null"), "/options/beam_size"),
    "null no longer taken": ("request", nullable("options", "language", on=False), "/options/language"),
    "a number only whole": ("request", put(f"{VAD}/threshold", type="integer"), f"/{VAD}/threshold"),
    "a value of a request removed": ("request", put("options/mode", enum=["batched"]), "/options/mode"),
    "values of a request closed": ("request", put("options/model", enum=["base"]), "/options/model"),
    "a minimum raised": ("request", put("options/beam_size", minimum=2), "/options/beam_size"),
    "a maximum lowered": ("request", put("options/beam_size", maximum=16), "/options/beam_size"),
    "a maximum set": ("request", put("input/size_bytes", maximum=10), "/input/size_bytes"),
    "a text shortened": ("request", put("options/initial_prompt", maxLength=100), "/options/initial_prompt"),
    "a list shortened": ("request", put("options/temperature", maxItems=1), "/options/temperature"),
    "items narrowed": ("request", put("options/temperature", items={"type": "integer"}), "/options/temperature/*"),
    "a pattern changed": ("request", put("job_id", pattern="^[a-z]+$"), "/job_id"),
    "a pattern set": ("request", put("correlation_id", pattern="^[a-z]+$"), "/correlation_id"),
    "a rule added to options": ("request", put("options", allOf=[{"required": ["mode"]}]), "/options"),
    "a default changed": ("request", default("options", "beam_size", 1), "/options/beam_size"),
    "unknown fields refused": ("request", put("input", additionalProperties=False), "/input"),
    "another map of texts": ("request", put("metadata", additionalProperties={"type": "integer"}), "/metadata/*"),
    "a field of an event removed": ("outcome", drop("", "worker"), "/worker"),
    "an optional field of an event removed": ("outcome", drop("", "language"), "/language"),
    "a field of an error removed": ("outcome", drop("error", "retryable"), "/error/retryable"),
    "a field of an event made optional": ("outcome", release("", "attempt"), "/attempt"),
    "an event's field may be null": ("outcome", nullable("", "worker", on=True), "/worker"),
    "an event's type widened": ("outcome", put("attempt", type="number"), "/attempt"),
    "an event's type changed": ("progress", put("worker", type="integer"), "/worker"),
    "an event's minimum lowered": ("outcome", put("attempt", minimum=0), "/attempt"),
    "an outcome added": ("outcome", lambda s: s["properties"]["outcome"]["enum"].append("x"), "/outcome"),
    "outcomes opened": ("outcome", lambda schema: schema["properties"].update(outcome={"type": "string"}), "/outcome"),
    "a field of a transcript removed": ("transcript", drop("", "text"), "/text"),
    "a field inside a list removed": ("transcript", lambda s: of_segment(s).pop("start"), "/segments/*/start"),
    "a list's items widened": ("transcript", lambda s: of_segment(s)["tokens"].pop("items"), "/segments/*/tokens/*"),
    "a fixed version opened": ("manifest", put("schema_version", const=None), "/schema_version"),
    "the outcome in a manifest changed": ("manifest", drop("outcome", "job_id"), "/outcome/job_id"),
}  # fmt: skip

ALLOWED: Final[dict[str, tuple[str, Mutation]]] = {
    "nothing": ("request", lambda _: None),
    "an optional field added to a request": ("request", add("", "callback")),
    "an option added": ("request", add("options", "patience", "number")),
    "a required field of a request made optional": ("request", release("", "input")),
    "a request's type widened": ("request", put("options/beam_size", type="number")),
    "null taken": ("request", nullable("options", "task", on=True)),
    "a value of a request added": ("request", put("options/mode", enum=["sequential", "batched", "turbo"])),
    "values of a request opened": ("request", put("options/language", enum=None)),
    "a minimum lowered": ("request", put("options/beam_size", minimum=0)),
    "a maximum raised": ("request", put("options/beam_size", maximum=64)),
    "a maximum dropped": ("request", put("options/beam_size", maximum=None)),
    "a pattern dropped": ("request", put("job_id", pattern=None)),
    "a rule dropped": ("request", put("options", allOf=None)),
    "a description changed": ("request", put("options/beam_size", description="other words", title="Other")),
    "a field added to an event": ("outcome", add("", "queued_s", "number")),
    "a field always there added to an event": ("outcome", add("", "queued_s", "number", required=True)),
    "an optional field of an event always there": ("outcome", require("", "language")),
    "an event's field never null": ("outcome", nullable("", "language", on=False)),
    "an event's type narrowed": ("transcript", put("duration", type="integer")),
    "an outcome no longer used": ("outcome", lambda schema: schema["properties"]["outcome"]["enum"].pop()),
    "an error code added": ("outcome", lambda s: at(s, "error/code")["x-extensible-enum"].append("OF_TOMORROW")),
    "a kind of progress added": ("progress", lambda s: s["properties"]["kind"]["x-extensible-enum"].append("retrying")),
    "a definition renamed": ("outcome", lambda s: rename(s, "ErrorDetail", "Trouble")),
    "another contract": ("request", lambda schema: schema.update({"$id": "urn:steno:request:v2", "properties": {}})),
}  # fmt: skip


def rename(schema: Schema, before: str, after: str) -> None:
    text = json.dumps(schema).replace(f"#/$defs/{before}", f"#/$defs/{after}")
    schema.update(json.loads(text))
    schema["$defs"][after] = schema["$defs"].pop(before)


def mutated(name: str, mutation: Mutation) -> tuple[Schema, Schema]:
    old = make_schema(name)
    new = copy.deepcopy(old)
    mutation(new)
    return old, new


@pytest.mark.parametrize("case", CAUGHT)
def test_a_break_is_caught_where_it_is(case: str) -> None:
    name, mutation, place = CAUGHT[case]
    old, new = mutated(name, mutation)
    assert old != new
    assert {found.place for found in breaking(old, new, DIRECTIONS[name])} == {place}


@pytest.mark.parametrize("case", ALLOWED)
def test_a_harmless_change_is_allowed(case: str) -> None:
    name, mutation = ALLOWED[case]
    old, new = mutated(name, mutation)
    assert (old != new) is (case != "nothing")
    assert breaking(old, new, DIRECTIONS[name]) == []


@pytest.mark.parametrize(
    ("direction", "mutation"),
    [(READ, nullable("options", "task", on=True)), (WRITE, put("options/beam_size", maximum=16)),
     (WRITE, put("options/mode", enum=["batched"])), (WRITE, require("", "job_id")), (READ, release("", "input"))],
)  # fmt: skip
def test_what_helps_one_side_breaks_the_other(direction: Direction, mutation: Mutation) -> None:
    old, new = mutated("request", mutation)
    other = WRITE if direction is READ else READ
    assert (breaking(old, new, direction), bool(breaking(old, new, other))) == ([], True)


def test_every_document_has_a_direction() -> None:
    assert DIRECTIONS.keys() == MODELS.keys()


def test_nothing_has_broken_since_the_latest_release() -> None:
    assert compat.check(compat.latest()) == []


def test_what_broke_is_told_with_its_document_and_place(tmp_path: Path) -> None:
    present = tmp_path / "schemas"
    present.mkdir()
    for name in MODELS:
        present.joinpath(f"{name}.json").write_text(json.dumps(make_schema(name)), "utf-8")
    released = compat.freeze("1.10.0", present=present)
    compat.freeze("1.9.0", present=present)
    assert compat.latest(present / "released") == released
    _, new = mutated("request", put("options/beam_size", maximum=16))
    present.joinpath("request.json").write_text(json.dumps(new), "utf-8")
    present.joinpath("progress.json").unlink()

    assert compat.check(released, present) == [
        "request /options/beam_size: maximum changed from 32 to 16",
        "progress: the document is gone",
    ]
    with pytest.raises(FileExistsError):
        compat.freeze("1.9.0", present=present)


def test_a_folder_without_a_release_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--freeze"):
        compat.latest(tmp_path)
