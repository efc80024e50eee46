"""What the doctor says of a store that answers: a real one, and one of our own that misbehaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aioboto3
import pytest

from consumer.doctor.findings import Level
from consumer.settings import S3Settings, Settings
from tests.integration.doctors_look import INPUT, OUTPUT, Look, looked_at
from tests.integration.odd_stores import keeping, refusing, serving
from tests.stack.store import S3Address


async def test_a_store_that_is_well_is_told_so_and_keeps_nothing_but_the_probe(
    aws_environment: S3Address, bucket: str
) -> None:
    s3 = S3Settings(results=f"s3://{bucket}/results/", allowed_inputs=(f"s3://{bucket}/in/",))
    found = await looked_at(Settings(s3=s3))
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert list(found) == ["store", "state", f"output {s3.results}", f"input s3://{bucket}/in/", "clock"]
    async with aioboto3.Session().client("s3", endpoint_url=aws_environment.endpoint) as client:
        listed = await client.list_objects_v2(Bucket=bucket)
    assert [each["Key"] for each in listed["Contents"]] == ["results/.steno/probe"]


async def test_missing_buckets_are_named_with_the_settings_that_name_them(
    aws_environment: S3Address, unique: str
) -> None:
    assert aws_environment.endpoint
    s3 = S3Settings(results=f"s3://{unique}-out/", allowed_inputs=(f"s3://{unique}-in/",))
    found = await looked_at(Settings(s3=s3))
    state, source = found["state"], found[f"input s3://{unique}-in/"]
    assert (state.level, source.level, found["store"].level) == (Level.FAILED, Level.FAILED, Level.OK)
    assert f"'{unique}-out'" in state.text
    assert "STENO_S3__STATE" in state.advice
    assert f"'{unique}-in'" in source.text
    assert "STENO_S3__ALLOWED_INPUTS" in source.advice
    assert not found[f"output {s3.results}"].is_checked


@pytest.mark.parametrize(
    ("status", "code", "says", "advises"),
    [
        (403, "InvalidAccessKeyId", "credentials", "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "credentials", "AWS_SECRET_ACCESS_KEY"),
        (400, "ExpiredToken", "expired", "AWS_PROFILE"),
        (400, "AuthorizationHeaderMalformed", "AuthorizationHeaderMalformed", "AWS_REGION"),
        (400, "IllegalLocationConstraintException", "IllegalLocationConstraint", "AWS_REGION"),
        (503, "SlowDown", "fewer requests", "network"),
        (500, "InternalError", "is it up", "AWS_ENDPOINT_URL_S3"),
    ],
)
async def test_a_store_that_does_not_take_us_says_why(
    look: Look, status: int, code: str, says: str, advises: str
) -> None:
    async with serving(refusing(status, code)) as endpoint:
        found = await look(endpoint)
    assert found["store"].level is Level.FAILED
    assert says in found["store"].text
    assert advises in found["store"].advice
    assert not any(found[name].is_checked for name in ("state", OUTPUT, INPUT))
    assert found["clock"].level is Level.OK, "who is refused is told the time as well"


async def test_rights_that_are_missing_are_told_where_they_are_missing(look: Look) -> None:
    async with serving(refusing(403, "AccessDenied")) as endpoint:
        found = await look(endpoint)
    assert found["store"].level is Level.OK
    assert found["state"].level is found[INPUT].level is Level.FAILED
    assert "s3:GetObject on s3://media/*" in found[INPUT].advice


async def test_a_store_without_conditions_is_unfit_and_not_written_to_otherwise(look: Look) -> None:
    async with serving(keeping(conditions=False)) as endpoint:
        found = await look(endpoint)
    assert found["state"].level is Level.FAILED
    assert "If-None-Match" in found["state"].text
    assert "use a store with conditional writes" in found["state"].advice
    assert not found[OUTPUT].is_checked


async def test_results_that_may_be_read_and_not_written_fail(look: Look) -> None:
    async with serving(keeping(conditions=True, writable=lambda key: "/.steno/" in key)) as endpoint:
        found = await look(endpoint)
    assert (found["state"].level, found[OUTPUT].level) == (Level.OK, Level.FAILED)
    assert "s3:PutObject" in found[OUTPUT].text
    assert "infra/iam/worker.json" in found[OUTPUT].advice


@pytest.mark.parametrize(("hours", "level"), [(0, Level.OK), (1, Level.FAILED), (-1, Level.FAILED)])
async def test_a_clock_that_goes_otherwise_is_told(look: Look, hours: int, level: Level) -> None:
    told = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    async with serving(refusing(403, "RequestTimeTooSkewed", Date=told)) as endpoint:
        found = await look(endpoint)
    assert found["clock"].level is level
