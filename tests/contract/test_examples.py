"""Examples that other teams copy from: the models, the schemas and intake judge them alike."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from consumer.core.failures import PermanentError
from consumer.core.intake.documents import parse_json
from consumer.core.intake.requests import parse_request
from contracts import Manifest, NotAnEventError, OutcomeEvent, Transcript, TranscriptionRequest, parse_event
from contracts.state import CancelMarker, StatusDocument
from tests.contract import examples
from tests.contract.examples import Expected

INVALID_REQUESTS = [case for case in examples.expected() if case.name.startswith("request-")]
INVALID_STATE = [case for case in examples.expected() if case.name.startswith(("status-", "cancel-"))]
STATE: dict[str, type[StatusDocument | CancelMarker]] = {"status": StatusDocument, "cancel": CancelMarker}
INVALID_EVENTS = [case for case in examples.expected() if case.name.startswith("event-")]


@pytest.mark.parametrize("name", examples.names("valid", "request-"))
def test_valid_request_is_read_and_fits_its_schema(name: str) -> None:
    document = examples.read("valid", name)
    assert parse_request(parse_json(document)).input.uri.startswith("s3://media/")
    assert examples.schema_faults("request", json.loads(document)) == []


@pytest.mark.parametrize("name", examples.names("valid", "request-"))
def test_what_we_write_of_a_request_is_what_we_read(name: str) -> None:
    request = parse_request(parse_json(examples.read("valid", name)))
    written = request.model_dump_json()
    assert TranscriptionRequest.model_validate_json(written) == request
    assert examples.schema_faults("request", json.loads(written)) == []


@pytest.mark.parametrize("name", examples.names("valid", "event-"))
def test_valid_event_is_read_and_fits_its_schema(name: str) -> None:
    headers, value = examples.read_event("valid", name)
    event = parse_event(headers, value)
    attributes = dict(headers)
    assert event.id.encode() == attributes["ce_id"]
    assert examples.schema_faults(examples.schema_of_event(headers), json.loads(value)) == []


@pytest.mark.parametrize("name", [*examples.names("valid", "status-"), *examples.names("valid", "cancel-")])
def test_valid_state_fits_model_and_schema(name: str) -> None:
    document, kind = examples.read("valid", name), name.partition("-")[0]
    written = STATE[kind].model_validate_json(document).model_dump_json()
    assert examples.schema_faults(kind, json.loads(document)) == []
    assert examples.schema_faults(kind, json.loads(written)) == []


@pytest.mark.parametrize("case", INVALID_STATE, ids=str)
def test_invalid_state_is_refused(case: Expected) -> None:
    with pytest.raises(ValidationError) as caught:
        STATE[case.name.partition("-")[0]].model_validate_json(examples.read("invalid", case.name))
    assert case.code == type(caught.value).__name__
    assert case.message in str(caught.value)
    assert (case.field or "") in str(caught.value)


@pytest.mark.parametrize(("name", "model"), [("transcript", Transcript), ("manifest", Manifest)])
def test_valid_result_document_fits_model_and_schema(name: str, model: type[Transcript | Manifest]) -> None:
    document = examples.read("valid", name)
    written = model.model_validate_json(document).model_dump_json()
    assert examples.schema_faults(name, json.loads(document)) == []
    assert examples.schema_faults(name, json.loads(written)) == []


def test_manifest_repeats_the_outcome_event_verbatim() -> None:
    manifest = Manifest.model_validate_json(examples.read("valid", "manifest"))
    _, value = examples.read_event("valid", "event-completed")
    assert manifest.outcome == OutcomeEvent.model_validate_json(value)


@pytest.mark.parametrize("case", INVALID_REQUESTS, ids=str)
def test_invalid_request_is_refused_with_its_code_and_field(case: Expected) -> None:
    with pytest.raises(PermanentError) as caught:
        parse_request(parse_json(examples.read("invalid", case.name)))
    assert caught.value.code == case.code
    assert case.message in caught.value.message.lower()
    assert (case.field or "") in caught.value.message


@pytest.mark.parametrize("case", INVALID_EVENTS, ids=str)
def test_invalid_event_is_refused_with_a_reason(case: Expected) -> None:
    headers, value = examples.read_event("invalid", case.name)
    with pytest.raises(NotAnEventError) as caught:
        parse_event(headers, value)
    assert case.code == type(caught.value).__name__
    assert case.message in str(caught.value)
    assert (case.field or "") in str(caught.value)


@pytest.mark.parametrize("case", [case for case in examples.expected() if case.schema is not None], ids=str)
def test_schema_refuses_what_expected_says_it_refuses(case: Expected) -> None:
    if case.name.startswith("event-"):
        headers, value = examples.read_event("invalid", case.name)
        faults = examples.schema_faults(examples.schema_of_event(headers), json.loads(value))
    else:
        kind = case.name.partition("-")[0]
        faults = examples.schema_faults(kind, json.loads(examples.read("invalid", case.name)))
    assert bool(faults) is case.schema


def test_every_invalid_example_has_an_expectation() -> None:
    found = {path.stem for path in (examples.FOLDER / "invalid").glob("*.json")}
    assert found == {case.name for case in examples.expected()}
