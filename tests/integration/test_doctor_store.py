"""What the doctor says of a store: a real one, and one of our own that misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import aioboto3
import pytest
from aiohttp import web

from consumer.adapters.s3_store import Limits
from consumer.doctor.examination import examine
from consumer.doctor.findings import Finding, Level
from consumer.doctor.store import StoreExamination
from consumer.settings import S3Settings, Settings
from tests.stack.certificates import Authority
from tests.stack.store import S3Address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Look = Callable[..., Awaitable[dict[str, Finding]]]

LIMITS: Final = Limits(connect_s=2, silence_s=2, call_s=5, attempts=1)
OUTPUT: Final = "output s3://bucket/"
INPUT: Final = "input s3://media/"
SETTINGS: Final = Settings(s3=S3Settings(results="s3://bucket/", allowed_inputs=("s3://media/",)))


async def looked_at(settings: Settings) -> dict[str, Finding]:
    async with AsyncExitStack() as stack:
        checks = list(StoreExamination(settings, stack, LIMITS).checks())
        return {check.name: finding async for check, finding in examine(checks)}


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """Looks at the store whose address and credentials are given, with no others about."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def look_at(endpoint: str, **variables: str) -> dict[str, Finding]:
        usual = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in (usual | {"AWS_ENDPOINT_URL_S3": endpoint} | variables).items():
            monkeypatch.setenv(name, value)
        return await looked_at(SETTINGS)

    return look_at


@asynccontextmanager
async def store_on(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that answers everything with one handler."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def answer(status: int, code: str = "", **headers: str) -> web.Response:
    body = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>" if code else ""
    return web.Response(status=status, text=body, content_type="application/xml", headers=headers)


def saying(status: int, code: str, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return answer(status, code, **headers)

    return handler


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
    async with store_on(saying(status, code)) as endpoint:
        found = await look(endpoint)
    assert found["store"].level is Level.FAILED
    assert says in found["store"].text
    assert advises in found["store"].advice
    assert not any(found[name].is_checked for name in ("state", OUTPUT, INPUT))
    assert found["clock"].level is Level.OK, "who is refused is told the time as well"


async def test_rights_that_are_missing_are_told_where_they_are_missing(
    look: Look,
) -> None:
    async with store_on(saying(403, "AccessDenied")) as endpoint:
        found = await look(endpoint)
    assert found["store"].level is Level.OK
    assert found["state"].level is found[INPUT].level is Level.FAILED
    assert "s3:GetObject on s3://media/*" in found[INPUT].advice


def keeping(conditions: bool, writable: Callable[[str], bool] = lambda _: True) -> Handler:  # noqa: FBT001 - as said
    """A store in memory that keeps conditions, or ignores them."""
    objects: dict[str, bytes] = {}

    async def handler(request: web.Request) -> web.Response:
        body, key = await request.read(), request.path
        held = objects.get(key)
        if request.method == "GET":
            return answer(404, "NoSuchKey") if held is None else respond(held, held)
        if not writable(key):
            return answer(403, "AccessDenied")
        if conditions and not holds(request.headers, held):
            return answer(412, "PreconditionFailed")
        objects[key] = body
        return respond(body, b"")

    return handler


def respond(of: bytes, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"ETag": etag_of(of)})


def holds(headers: Mapping[str, str], held: bytes | None) -> bool:
    if "If-None-Match" in headers:
        return held is None
    return "If-Match" not in headers or (held is not None and headers["If-Match"] == etag_of(held))


def etag_of(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


async def test_a_store_without_conditions_is_unfit_and_not_written_to_otherwise(
    look: Look,
) -> None:
    async with store_on(keeping(conditions=False)) as endpoint:
        found = await look(endpoint)
    assert found["state"].level is Level.FAILED
    assert "If-None-Match" in found["state"].text
    assert "use a store with conditional writes" in found["state"].advice
    assert not found[OUTPUT].is_checked


async def test_results_that_may_be_read_and_not_written_fail(
    look: Look,
) -> None:
    async with store_on(keeping(conditions=True, writable=lambda key: "/.steno/" in key)) as endpoint:
        found = await look(endpoint)
    assert (found["state"].level, found[OUTPUT].level) == (Level.OK, Level.FAILED)
    assert "s3:PutObject" in found[OUTPUT].text
    assert "infra/iam/worker.json" in found[OUTPUT].advice


@pytest.mark.parametrize(("hours", "level"), [(0, Level.OK), (1, Level.FAILED), (-1, Level.FAILED)])
async def test_a_clock_that_goes_otherwise_is_told(look: Look, hours: int, level: Level) -> None:
    told = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    async with store_on(saying(403, "RequestTimeTooSkewed", Date=told)) as endpoint:
        found = await look(endpoint)
    assert found["clock"].level is level


async def test_a_store_that_accepts_and_says_nothing_is_told_in_time(
    look: Look,
) -> None:
    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        found = await look(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for writer in held:
            writer.close()
    assert (found["store"].level, found["clock"].is_checked) == (Level.FAILED, False)
    assert "is it up" in found["store"].text


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [("http://nowhere.invalid", "is it up"), ("http://127.0.0.1:1", "is it up"), ("nonsense", "Invalid endpoint")],
)
async def test_an_endpoint_that_is_none_is_told(look: Look, endpoint: str, says: str) -> None:
    found = await look(endpoint)
    assert found["store"].level is Level.FAILED
    assert says in found["store"].text
    assert "AWS_ENDPOINT_URL_S3" in found["store"].advice


async def test_a_profile_that_is_not_there_is_told(look: Look) -> None:
    found = await look("http://127.0.0.1:1", AWS_PROFILE="gone")
    assert (found["store"].level, "gone" in found["store"].text) == (Level.FAILED, True)
    assert "AWS_PROFILE" in found["store"].advice


async def test_no_credentials_at_all_say_where_they_belong(
    look: Look,
) -> None:
    found = await look("http://127.0.0.1:1", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert found["store"].level is Level.FAILED
    assert "AWS_ACCESS_KEY_ID" in found["store"].advice


async def test_a_certificate_of_nobody_known_says_where_to_name_its_authority(look: Look, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("store", hosts=("127.0.0.1",)).both)
    async with store_on(keeping(conditions=True), context) as endpoint:
        strange = await look(endpoint)
        known = await look(endpoint, AWS_CA_BUNDLE=str(authority.file))
    assert (strange["store"].level, known["store"].level) == (Level.FAILED, Level.OK)
    assert "AWS_CA_BUNDLE" in strange["store"].advice
