"""`transcript.json` is a superset of OpenAI's `verbose_json`: its readers can read ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from contracts import schema
from contracts.transcript import Transcript
from tests.make import make_segment, make_transcript, make_word

DATA: Final = Path(__file__).parents[1] / "data"
VERBOSE_JSON: Final = json.loads((DATA / "openai-verbose-json.schema.json").read_text("utf-8"))
EXAMPLE: Final = Path(schema.__file__).parent / "examples" / "valid" / "transcript.json"


def documents() -> dict[str, Any]:
    made = {
        "without_words": make_transcript(make_segment()),
        "with_words": make_transcript(make_segment(words=[make_word(" Hello.", 0.0, 1.5)])),
        "without_speech": make_transcript().model_copy(update={"segments": [], "text": ""}),
    }
    return {name: json.loads(each.model_dump_json()) for name, each in made.items()} | {
        "example": json.loads(EXAMPLE.read_text("utf-8"))
    }


@pytest.mark.parametrize("name", documents())
def test_a_transcript_is_verbose_json_and_ours(name: str) -> None:
    document = documents()[name]
    Draft202012Validator(VERBOSE_JSON).validate(document)
    Draft202012Validator(schema.make_schema("transcript")).validate(document)
    assert Transcript.model_validate_json(json.dumps(document)).text == document["text"]


@pytest.mark.parametrize("field", VERBOSE_JSON["required"])
def test_a_missing_field_is_noticed(field: str) -> None:
    document = documents()["example"]
    del document[field]
    assert not Draft202012Validator(VERBOSE_JSON).is_valid(document)


def test_a_missing_field_of_a_segment_is_noticed() -> None:
    document = documents()["without_words"]
    del document["segments"][0]["no_speech_prob"]
    assert not Draft202012Validator(VERBOSE_JSON).is_valid(document)
