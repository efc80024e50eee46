"""The AsyncAPI document: valid by AsyncAPI's own schema, current, and true of the examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from consumer.core.deadletters import DeadLetterOffice, dead_letter, truncated_dead_letter
from consumer.core.desk.copies import parked, replayed
from consumer.core.failures import PermanentError, TransientError
from consumer.core.hops import Hop, Sender, hop_record
from contracts import ErrorCode, asyncapi
from contracts.events import Kind
from contracts.messages import MESSAGES
from contracts.topics import load_topics
from tests.contract import examples
from tests.dead_letters import ours, standing_at
from tests.make import NOW, make_record

SPECIFICATION: Final = Path(__file__).parents[1] / "data" / "asyncapi" / "3.0.0.json"
DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(asyncapi.PATH.read_text("utf-8"))


def faults(document: dict[str, Any]) -> list[str]:
    """What AsyncAPI's own schema finds wrong."""
    specification = json.loads(SPECIFICATION.read_text("utf-8"))
    return [each.message[:200] for each in Draft7Validator(specification).iter_errors(document)]


def validator(schema: Any) -> Draft7Validator:
    """Of a schema in the document, in the dialect of AsyncAPI, where nothing counts beside a reference."""
    return Draft7Validator({"components": DOCUMENT["components"], "allOf": [schema]})


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for each in node.values() for found in references(each)]


def words(node: Any) -> set[str]:
    if isinstance(node, list):
        return {found for each in node for found in words(each)}
    return set(node).union(*map(words, node.values())) if isinstance(node, dict) else set()


def test_the_document_is_what_the_models_say(tmp_path: Path) -> None:
    assert not asyncapi.is_stale()
    assert asyncapi.is_stale(tmp_path / "missing.yaml")


def test_the_document_is_asyncapi() -> None:
    assert faults(DOCUMENT) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("info"),
        lambda document: document["operations"]["sendOutcomes"].pop("action"),
        lambda document: document["channels"]["requests"].update(adress="x"),
        lambda document: document["channels"]["requests"]["bindings"]["kafka"].update(partitions="many"),
        lambda document: document["components"]["securitySchemes"]["plain"].update(type="none"),
        lambda document: document["components"]["messages"]["failed"].update(examples=[{"value": {}}]),
    ],
)
def test_what_is_no_asyncapi_is_noticed(spoil: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    spoil(document)
    assert faults(document) != []


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    for reference in found:
        node = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_nothing_counts_beside_a_reference() -> None:
    def lonely(node: Any) -> bool:
        if isinstance(node, dict) and "$ref" in node:
            return len(node) == 1
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return all(lonely(child) for child in children)

    assert lonely(DOCUMENT)


def test_every_topic_is_a_channel_with_its_messages() -> None:
    channels = DOCUMENT["channels"]
    assert {name: channel["address"] for name, channel in channels.items()} == {
        role.value: topic.name for role, topic in load_topics().items()
    }
    told = {name for channel in channels.values() for name in channel["messages"]}
    assert told == {message.name for message in MESSAGES}
    assert {message.kind for message in MESSAGES} - {None} == set(Kind)


@pytest.mark.parametrize("name", examples.names("valid", "request-"))
def test_a_valid_request_fits_the_document(name: str) -> None:
    payload = DOCUMENT["components"]["messages"]["request"]["payload"]
    assert list(validator(payload).iter_errors(json.loads(examples.read("valid", name)))) == []


@pytest.mark.parametrize(
    "case", [c for c in examples.expected() if c.schema and c.name.startswith("request-")], ids=str
)
def test_a_request_that_the_schema_refuses_does_not_fit_the_document(case: examples.Expected) -> None:
    payload = DOCUMENT["components"]["messages"]["request"]["payload"]
    assert not validator(payload).is_valid(json.loads(examples.read("invalid", case.name)))


@pytest.mark.parametrize("name", examples.names("valid", "event-"))
def test_a_valid_event_fits_the_message_of_its_type(name: str) -> None:
    event = json.loads(examples.read("valid", name))
    fitting = [
        message.name
        for message in MESSAGES
        if message.kind
        and validator(DOCUMENT["components"]["messages"][message.name]["headers"]).is_valid(event["headers"])
    ]
    assert [f"io.steno.transcription.{found}.v1" for found in fitting] == [event["headers"]["ce_type"]]
    payload = DOCUMENT["components"]["messages"][fitting[0]]["payload"]
    assert list(validator(payload).iter_errors(event["value"])) == []


@pytest.mark.parametrize("name", ["transcript", "manifest"])
def test_result_documents_fit_the_schemas_beside_the_messages(name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name.title()}"}
    assert list(validator(schema).iter_errors(json.loads(examples.read("valid", name)))) == []


def test_a_dead_letter_has_the_headers_that_are_told() -> None:
    error = PermanentError(ErrorCode.REQUEST_INVALID, "no")
    office = DeadLetterOffice("requests-dlt", "workers", "w")
    letter = dead_letter(office, make_record(), error, attempt=1, now=NOW)
    cut = truncated_dead_letter(letter, make_record())
    told = DOCUMENT["components"]["messages"]["deadLetter"]["headers"]
    assert {name for name, _ in letter.headers} == set(told["required"])
    assert {name for name, _ in cut.headers} == set(told["properties"])


def test_what_the_desk_sends_has_the_headers_that_are_told() -> None:
    letter = standing_at(ours(make_record()))
    messages = DOCUMENT["components"]["messages"]
    told = messages["parkedLetter"]["headers"]
    assert set(told["required"]) <= {name for name, _ in parked(letter, "parking").headers} <= set(told["properties"])
    again = replayed(letter, "requests", replays=1)
    assert {name for name, _ in again.headers} <= set(messages["request"]["headers"]["properties"])


def test_a_retry_has_the_headers_that_are_told() -> None:
    error = TransientError(ErrorCode.INPUT_NOT_FOUND, "no")
    hop = hop_record(Sender("workers", "w"), make_record(), error, Hop("requests-retry-1", 2, NOW), now=NOW)
    told = DOCUMENT["components"]["messages"]["retry"]["headers"]
    assert {name for name, _ in hop.headers} == set(told["required"]) == set(told["properties"])


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_schemas_mean_the_same_to_tools_of_either_dialect(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    Draft7Validator.check_schema(schema)
    Draft202012Validator.check_schema(schema)
    assert not {"prefixItems", "dependentRequired", "unevaluatedProperties", "$defs"} & words(schema)
