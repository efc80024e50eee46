"""CloudEvents as their SDK sends them, in both modes, and what others make of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from consumer.core.events import trace_headers
from consumer.core.intake.envelopes import read_record
from consumer.core.intake.readings import Faulty, Ignored, IntakeRules, Reading, Reason, Wanted
from consumer.core.records import Record
from contracts.errors import ErrorCode
from tests.make import make_record

REQUEST = {"job_id": "call-1", "input": {"uri": "s3://media/a.mp3"}}
ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.call.recorded"}
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Send = Callable[[CloudEvent], KafkaMessage]
in_both_modes = pytest.mark.parametrize("send", [to_binary_event, to_structured_event])


def sent(send: Send, data: Any, **attributes: Any) -> Record:
    """A record as the SDK would send it."""
    event = CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json", **attributes}, data)
    message = send(event)
    return make_record(message.value, headers=tuple(message.headers.items()))


def structured(**fields: Any) -> Record:
    """A record in structured mode, made by hand."""
    value = json.dumps({**ATTRIBUTES, **fields}).encode()
    return make_record(value, headers=(("content-type", b"application/cloudevents+json; charset=utf-8"),))


def binary(value: bytes | None, **headers: bytes | None) -> Record:
    """A record in binary mode, made by hand."""
    named = {f"ce_{name}": text.encode() for name, text in ATTRIBUTES.items()}
    return make_record(value, headers=tuple({**named, **headers}.items()))


def read(record: Record) -> Reading:
    (reading,) = read_record(record, IntakeRules())
    return reading


@in_both_modes
def test_a_request_in_an_event_of_the_sdk_is_read(send: Send) -> None:
    record = sent(send, REQUEST)
    reading = read(record)

    assert isinstance(reading, Wanted)
    assert (reading.request.job_id, reading.request.input.uri) == ("call-1", "s3://media/a.mp3")
    assert reading.record == record


@in_both_modes
def test_an_event_may_carry_a_notification(send: Send) -> None:
    entries = [
        {"eventName": event, "s3": {"bucket": {"name": "media"}, "object": {"key": "a.wav"}}}
        for event in ("ObjectCreated:Put", "ObjectRemoved:Delete")
    ]
    wanted, ignored = read_record(sent(send, {"Records": entries}), IntakeRules())

    assert isinstance(wanted, Wanted)
    assert isinstance(ignored, Ignored)
    assert ignored.reason is Reason.OTHER_EVENT
    # What is kept is a plain request, which its headers must not belie.
    assert [name for name, _ in wanted.record.headers] == []


@in_both_modes
def test_the_tracing_extension_of_an_event_is_its_trace_context(send: Send) -> None:
    reading = read(sent(send, REQUEST, traceparent=TRACEPARENT, tracestate="a=1"))

    assert isinstance(reading, Wanted)
    assert trace_headers(reading.record.headers) == (("traceparent", TRACEPARENT.encode()), ("tracestate", b"a=1"))


def test_a_trace_header_comes_before_the_tracing_extension() -> None:
    record = binary(json.dumps(REQUEST).encode(), ce_traceparent=b"00-2", traceparent=b"00-1")

    assert trace_headers(read(record).record.headers) == (("traceparent", b"00-1"),)  # type: ignore[union-attr]  # it is no Ignored


@in_both_modes
def test_a_faulty_request_in_an_event_is_kept_as_it_came(send: Send) -> None:
    record = sent(send, {"job_id": "call-1", "input": {}})
    reading = read(record)

    assert isinstance(reading, Faulty)
    assert (reading.job_id, reading.record) == ("call-1", record)
    assert reading.error.message == "input.uri: field required"


def test_data_in_base64_is_read() -> None:
    encoded = base64.b64encode(json.dumps(REQUEST).encode()).decode()

    assert isinstance(read(structured(data_base64=encoded)), Wanted)


def test_structured_mode_is_told_without_its_header() -> None:
    record = make_record(json.dumps({**ATTRIBUTES, "data": REQUEST}).encode())

    assert isinstance(read(record), Wanted)


@pytest.mark.parametrize("content_type", [b"application/json; charset=utf-8", b"application/vnd.shop+JSON", None])
def test_json_goes_by_several_names(content_type: bytes | None) -> None:
    assert isinstance(read(binary(json.dumps(REQUEST).encode(), **{"content-type": content_type})), Wanted)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (binary(None), "the CloudEvent's data is empty"),
        (binary(b"not json"), "the CloudEvent's data is no JSON"),
        (binary(b"[]"), "found an array"),
        (binary(b"<a/>", **{"content-type": b"text/xml"}), "data is 'text/xml'; expected application/json"),
        (structured(), "the CloudEvent has no data"),
        (structured(data=None), "the CloudEvent has no data"),
        (structured(data="text"), "found a string"),
        (structured(data=REQUEST, datacontenttype="text/plain"), "data is 'text/plain'"),
        (structured(data=REQUEST, datacontenttype=7), "data is '7'"),
        (structured(data_base64="!"), "no Base64"),
        (structured(data_base64=7), "no Base64"),
        (structured(data_base64="AAAA"), "the CloudEvent's data is no JSON"),
        (make_record(b"{}", headers=(("content-type", b"application/cloudevents+json"),)), "no 'specversion'"),
        (make_record(b"[]", headers=(("content-type", b"application/cloudevents-batch+json"),)), "no 'specversion'"),
    ],
)
def test_an_event_without_a_request_says_what_is_wrong(record: Record, told: str) -> None:
    reading = read(record)

    assert isinstance(reading, Faulty)
    assert reading.error.code is ErrorCode.REQUEST_INVALID
    assert told in reading.error.message
    assert reading.record == record


@pytest.mark.parametrize("record", [binary(b"{}", ce_specversion=b"2.0"), structured(specversion="0.3", data=REQUEST)])
def test_an_event_of_another_specification_has_its_own_code(record: Record) -> None:
    reading = read(record)

    assert isinstance(reading, Faulty)
    assert reading.error.code is ErrorCode.REQUEST_UNSUPPORTED_VERSION


@pytest.mark.parametrize("raw", [None, b"", b"\xff\xfe", b"1" * 100_000])
def test_headers_that_are_no_text_harm_nothing(raw: bytes | None) -> None:
    headers = {"ce_traceparent": raw, "ce_id": raw, "x": raw}

    assert isinstance(read(binary(json.dumps(REQUEST).encode(), **headers)), Wanted)
