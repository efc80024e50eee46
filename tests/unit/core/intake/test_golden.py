"""Notifications as real stores sent them: each names the object that was written, or starts nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.core.intake.envelopes import read_record
from consumer.core.intake.keys import KeyEncoding
from consumer.core.intake.readings import Ignored, IntakeRules, Reading, Reason, Wanted
from contracts.requests import TranscriptionRequest
from tests.make import make_record

FOLDER = Path(__file__).parents[3] / "data" / "golden"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
RAW_SENDERS = {"ceph", "versitygw"}


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return document


REMOVING_OR_TEST = ("Delete", "PutBucketNotification")
CREATED = [name for name in NAMES if not load(name)["did"]["op"].startswith(REMOVING_OR_TEST)]


def read(golden: dict[str, Any]) -> Reading:
    encoding = KeyEncoding.RAW if golden["server"] in RAW_SENDERS else KeyEncoding.FORM
    (reading,) = read_record(make_record(golden["value_exact"].encode()), IntakeRules(encoding))
    return reading


@pytest.mark.parametrize("name", CREATED)
def test_what_was_written_is_wanted_under_its_own_key(name: str) -> None:
    golden = load(name)
    reading = read(golden)

    assert isinstance(reading, Wanted)
    assert reading.request.input.uri == f"s3://{golden['did']['bucket']}/{golden['did']['key']}"
    assert reading.request.input.etag is not None
    assert '"' not in reading.request.input.etag
    if etag := golden["did"].get("etag"):
        assert reading.request.input.etag == etag.strip('"')


@pytest.mark.parametrize("name", sorted({*NAMES} - {*CREATED}))
def test_any_other_event_starts_nothing(name: str) -> None:
    reading = read(load(name))

    assert isinstance(reading, Ignored)
    assert reading.reason is Reason.OTHER_EVENT


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("minio-put")])
def test_the_raw_key_beside_settles_how_keys_are_spelt(name: str) -> None:
    golden = load(name)
    (reading,) = read_record(make_record(golden["value_exact"].encode()), IntakeRules(KeyEncoding.RAW))

    assert isinstance(reading, Wanted)
    assert reading.request.input.uri.endswith(golden["did"]["key"])


@pytest.mark.parametrize("name", CREATED)
def test_what_is_kept_of_a_notification_is_the_same_job_when_it_is_read_again(name: str) -> None:
    first = read(load(name))
    assert isinstance(first, Wanted)
    (again,) = read_record(first.record, IntakeRules())

    assert isinstance(again, Wanted)
    assert again.request == first.request
    assert TranscriptionRequest.model_validate_json(first.record.value or b"").job_id is not None


def test_there_are_records_of_every_kind_of_sender() -> None:
    assert {load(name)["server"] for name in NAMES} == {"aws", "minio", "versitygw", "ceph", "eventbridge"}
