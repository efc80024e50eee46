"""The JSON Schemas: whole, current, and usable outside Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts import schema
from contracts.requests import TranscriptionRequest
from tests.contract import examples


def _patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _patterns(child)


def test_committed_schemas_are_what_the_models_say() -> None:
    assert schema.stale() == []


@pytest.mark.parametrize("name", schema.MODELS)
def test_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema.make_schema(name))
    assert schema.make_schema(name)["$id"] == f"urn:steno:{name}:v1"


@pytest.mark.parametrize("name", schema.MODELS)
def test_patterns_need_no_lookaround(name: str) -> None:
    """RE2, which Go's validators use, has none."""
    assert not [pattern for pattern in _patterns(schema.make_schema(name)) if re.search(r"\(\?[=!<]", pattern)]


def test_stale_names_changed_missing_and_foreign_files(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    schema.write(folder)
    assert schema.stale(folder) == []
    (folder / "request.json").write_text("{}", "utf-8")
    (folder / "outcome.json").unlink()
    (folder / "forgotten.json").write_text("{}", "utf-8")
    assert [path.name for path in schema.stale(folder)] == ["request.json", "outcome.json", "forgotten.json"]


@given(st.lists(st.sampled_from(["", ".", "..", ".a", "..a", "a.", "...", "a b", "ä"]), max_size=4), st.booleans())
def test_schema_and_model_agree_on_output_prefixes(parts: list[str], slash: bool) -> None:  # noqa: FBT001 - hypothesis
    document = {"input": {"uri": "s3://media/a"}, "output": {"uri": f"s3://bucket/{'/'.join(parts)}{'/' * slash}"}}
    try:
        TranscriptionRequest.model_validate_json(json.dumps(document))
        is_valid = True
    except ValueError:
        is_valid = False
    assert (examples.schema_faults("request", document) == []) is is_valid
