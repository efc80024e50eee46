"""Each record of a notification is a job of its own, or is passed over, or is set aside alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumer.core.intake.envelopes import read_record
from consumer.core.intake.keys import KeyEncoding
from consumer.core.intake.readings import Faulty, Ignored, IntakeRules, Reading, Reason, Wanted
from contracts.requests import TranscriptionRequest
from tests.make import make_record

BY_DEFAULT = IntakeRules()


def make_entry(key: str = "in/a.wav", *, event: str = "ObjectCreated:Put", **fields: Any) -> dict[str, Any]:
    stored = {"key": key, "size": 5, "eTag": "abc", **fields}
    return {"eventName": event, "s3": {"bucket": {"name": "media"}, "object": stored}}


def read(document: Any, rules: IntakeRules = BY_DEFAULT) -> tuple[Reading, ...]:
    return read_record(make_record(json.dumps(document).encode()), rules)


def wanted(*readings: Reading) -> list[TranscriptionRequest]:
    return [reading.request for reading in readings if isinstance(reading, Wanted)]


def test_each_record_is_a_request_of_its_own() -> None:
    requests = wanted(*read({"Records": [make_entry(f"in/{number}.wav") for number in range(3)]}))

    assert [request.input.uri for request in requests] == [f"s3://media/in/{number}.wav" for number in range(3)]
    assert len({request.job_id for request in requests}) == 3


def test_a_record_by_itself_is_a_notification_too() -> None:
    assert [request.input.uri for request in wanted(*read(make_entry()))] == ["s3://media/in/a.wav"]


@pytest.mark.parametrize(
    "faulty",
    [
        7, None, [], {}, {"eventName": "ObjectCreated:Put"}, {"eventName": 7, "s3": {}}, make_entry(""),
        make_entry("k" * 1025), make_entry("%FF.wav"), make_entry(etag_="x", eTag="two words"),
        {**make_entry(), "s3": {"bucket": {"name": "Not A Bucket"}, "object": {"key": "a"}}},
        {**make_entry(), "s3": {"bucket": {"name": "media/in"}, "object": {"key": "a"}}},
    ],
)  # fmt: skip
def test_a_faulty_record_is_set_aside_alone_and_harms_no_sibling(faulty: Any) -> None:
    first, second, third = read({"Records": [make_entry("in/1.wav"), faulty, make_entry("in/3.wav")]})

    assert len(wanted(first, third)) == 2
    assert isinstance(second, Faulty)
    assert json.loads(second.record.value or b"") == {"Records": [faulty]}
    assert (second.record.part, second.error.code) == (1, "REQUEST_INVALID")
    assert second.error.message.startswith("record 1 of the S3 notification: ")


def test_what_is_kept_of_a_record_is_its_request_alone() -> None:
    headers = (("ce_id", b"1"), ("content-type", b"application/json"), ("traceparent", b"00-1"))
    value = json.dumps({"Records": [make_entry("in/1.wav"), make_entry("in/2+b.wav")]}).encode()
    _, second = read_record(make_record(value, headers=headers), IntakeRules())

    assert isinstance(second, Wanted)
    assert TranscriptionRequest.model_validate_json(second.record.value or b"") == second.request
    assert (second.record.part, second.record.headers) == (1, (("traceparent", b"00-1"),))


@pytest.mark.parametrize("event", ["ObjectCreated:Put", "s3:ObjectCreated:Copy", "ObjectCreated:NotKnownYet"])
def test_every_way_to_create_an_object_makes_a_job(event: str) -> None:
    assert len(wanted(*read({"Records": [make_entry(event=event)]}))) == 1


@pytest.mark.parametrize(
    "event",
    ["ObjectRemoved:Delete", "s3:ObjectRestore:Completed", "ObjectTagging:Put", "s3:ObjectAccessed:Get", "", "INSERT"],
)
def test_every_other_event_is_passed_over(event: str) -> None:
    assert read({"Records": [make_entry(event=event)]}) == (Ignored(Reason.OTHER_EVENT, event),)


def test_a_notification_of_nothing_is_passed_over() -> None:
    assert read({"Records": []}) == (Ignored(Reason.NO_RECORDS),)


@pytest.mark.parametrize("key", ["in/.steno/-/x/lease", "out/x/transcript.json", "out/a"])
def test_what_the_workers_wrote_starts_nothing(key: str) -> None:
    rules = IntakeRules(own_prefixes=("s3://media/out/", "s3://media/in/.steno/"))

    assert read({"Records": [make_entry(key)]}, rules) == (Ignored(Reason.OWN_OBJECT),)


@pytest.mark.parametrize("key", ["outside/a.wav", "in/a.wav", "other/out/a.wav"])
def test_what_others_wrote_beside_it_does(key: str) -> None:
    assert len(wanted(*read({"Records": [make_entry(key)]}, IntakeRules(own_prefixes=("s3://media/out/",))))) == 1


@pytest.mark.parametrize(
    ("fields", "version_id", "etag", "size_bytes"),
    [
        ({"versionId": "v1"}, "v1", "abc", 5),
        ({"versionId": ""}, None, "abc", 5),
        ({"versionId": "null"}, None, "abc", 5),
        ({"versionId": None, "eTag": '"quoted"', "size": 0}, None, "quoted", None),
        ({"eTag": None, "size": "1024"}, None, None, 1024),
    ],
)
def test_version_etag_and_size_are_taken_as_each_store_writes_them(
    fields: dict[str, Any], version_id: str | None, etag: str | None, size_bytes: int | None
) -> None:
    (request,) = wanted(*read({"Records": [make_entry(**fields)]}))

    assert (request.input.version_id, request.input.etag, request.input.size_bytes) == (version_id, etag, size_bytes)


def test_a_repeated_notification_is_the_same_job_and_a_new_content_another_one() -> None:
    entries = [make_entry(), make_entry(sequencer="2"), make_entry(eTag="def"), make_entry(versionId="v2")]
    ids = [request.job_id for request in wanted(*read({"Records": entries}))]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_null_version_that_is_overwritten_is_another_job() -> None:
    entries = [make_entry(versionId="null"), make_entry(versionId="null", eTag="def")]
    first, second = wanted(*read({"Records": entries}))

    assert first.job_id != second.job_id


def test_keys_are_spelt_as_the_deployment_says() -> None:
    document = {"Records": [make_entry("in/a+b%20c.wav")]}

    assert wanted(*read(document))[0].input.uri == "s3://media/in/a b c.wav"
    assert wanted(*read(document, IntakeRules(KeyEncoding.RAW)))[0].input.uri == "s3://media/in/a+b%20c.wav"


@pytest.mark.parametrize("shown", ["media/other.wav", "elsewhere/in/a+b.wav", "in/a+b.wav", 7, None])
def test_a_raw_key_beside_that_names_another_object_is_no_witness(shown: object) -> None:
    (request,) = wanted(*read({"Key": shown, "Records": [make_entry("in/a+b.wav")]}))

    assert request.input.uri == "s3://media/in/a b.wav"


def test_among_several_records_the_raw_key_beside_belongs_to_its_own() -> None:
    document = {"Key": "media/in/a+b.wav", "Records": [make_entry("in/c%2Bd.wav"), make_entry("in/a%2Bb.wav")]}

    assert [request.input.uri for request in wanted(*read(document))] == [
        "s3://media/in/c+d.wav",
        "s3://media/in/a+b.wav",
    ]


@pytest.mark.parametrize("records", [{}, "x", 7, None, [{}] * 10_001])
def test_what_is_no_list_of_records_is_set_aside_whole(records: Any) -> None:
    (reading,) = read({"Records": records})

    assert isinstance(reading, Faulty)
    assert json.loads(reading.record.value or b"") == {"Records": records}


def test_an_eventbridge_event_without_an_object_is_faulty() -> None:
    (reading,) = read({"detail-type": "Object Created", "detail": {"bucket": {"name": "media"}}})

    assert isinstance(reading, Faulty)
    assert reading.error.message == "EventBridge event: object: field required"


def test_an_eventbridge_event_of_our_own_object_starts_nothing() -> None:
    detail = {"bucket": {"name": "media"}, "object": {"key": "out/x"}}
    document = {"detail-type": "Object Created", "detail": detail}

    assert read(document, IntakeRules(own_prefixes=("s3://media/out/",))) == (Ignored(Reason.OWN_OBJECT),)


def test_what_is_kept_of_a_notification_grows_no_faster_than_it() -> None:
    document = {"Key": "k" * 100_000, "Records": [{}] * 1000}
    kept = [reading.record.value for reading in read(document) if isinstance(reading, Faulty)]

    assert len(kept) == 1000
    assert sum(len(value or b"") for value in kept) < 100_000


def test_the_raw_key_beside_is_kept_with_a_faulty_record() -> None:
    _, faulty = read({"Key": "media/a.wav", "Records": [make_entry("a.wav"), {}]})

    assert isinstance(faulty, Faulty)
    assert json.loads(faulty.record.value or b"") == {"Key": "media/a.wav", "Records": [{}]}
