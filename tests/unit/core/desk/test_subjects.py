"""Whose dead letter it is, in whatever envelope the request came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from consumer.core.desk.subjects import Subject, subject_of
from consumer.core.intake.readings import IntakeRules
from tests.dead_letters import make_value
from tests.make import make_record

GOLDEN = Path(__file__).parents[3] / "data" / "golden"
RULES = IntakeRules()
NOTIFICATION = json.loads((GOLDEN / "minio-put-plain.json").read_bytes())["value_exact"].encode()


def test_a_request_names_job_tenant_and_deadline() -> None:
    value = make_value("a", tenant="acme", deadline="2030-01-01T00:00:00Z")
    assert subject_of(make_record(value), RULES) == Subject("a", "acme", datetime(2030, 1, 1, tzinfo=UTC))


def test_a_job_without_a_name_has_its_derived_one() -> None:
    notification = make_record(NOTIFICATION, key=b"media/a.mp3")
    found = subject_of(notification, RULES).job_id
    assert found is not None
    assert len(found) == 40


def test_a_faulty_request_keeps_its_name() -> None:
    assert subject_of(make_record(make_value("a", options={"beem_size": 5})), RULES).job_id == "a"


def test_what_holds_no_job_or_several_has_the_name_of_its_key() -> None:
    several = json.loads(NOTIFICATION)
    several["Records"] *= 2
    assert subject_of(make_record(json.dumps(several).encode(), key=b"k"), RULES).job_id == "k"
    assert subject_of(make_record(b"\xff", key=b"k"), RULES).job_id == "k"
    assert subject_of(make_record(None, key=b"k"), RULES).job_id == "k"
    assert subject_of(make_record(b"\xff", key=b"a/b"), RULES).job_id is None
    assert subject_of(make_record(b"\xff", key=None), RULES).job_id is None
