"""Ways to come by credentials that fail, with botocore itself: nobody's job is at fault, and the message says where."""

from __future__ import annotations

from pathlib import Path

import aioboto3
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from consumer.adapters.s3_store import Limits, S3Store, StoreConfig
from consumer.core.failures import ConsumerError, ExitCode, FatalError, OutageError
from contracts.errors import ErrorCode
from tests.integration.odd_stores import URI

LIMITS = Limits(connect_s=1, silence_s=1, call_s=10, attempts=1)
ROLE = "role_arn = arn:aws:iam::123456789012:role/worker"


@pytest.fixture(autouse=True)
def _machine_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def write_profile(folder: Path, *lines: str) -> None:
    keys = "[profile keys]\naws_access_key_id = key\naws_secret_access_key = secret\n"
    (folder / "config").write_text("\n".join(("[default]", *lines, keys)))


async def failure_of(endpoint_url: str = "http://127.0.0.1:1") -> ConsumerError:
    session = aioboto3.Session(region_name="us-east-1")
    with pytest.raises(ConsumerError) as caught:
        async with S3Store(session, endpoint_url=endpoint_url, config=StoreConfig(limits=LIMITS)) as store:
            await store.read(URI)
    return caught.value


async def test_without_any_credentials_jobs_wait() -> None:
    error = await failure_of()
    assert isinstance(error, OutageError)
    assert error.code is ErrorCode.CREDENTIALS_EXPIRED


async def test_a_token_file_that_is_gone_is_an_outage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/worker")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    error = await failure_of()
    assert isinstance(error, OutageError)
    assert error.code is ErrorCode.CREDENTIALS_EXPIRED
    assert str(tmp_path / "token") in error.message


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (400, "MalformedPolicyDocument")])
async def test_a_role_that_is_refused_is_an_outage_and_no_forbidden_object(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, code: str
) -> None:
    async def handler(_: web.Request) -> web.Response:
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        return web.Response(status=status, text=text, content_type="text/xml")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    write_profile(tmp_path, ROLE, "source_profile = keys")
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", str(server.make_url("/")))
        error = await failure_of()
    assert isinstance(error, OutageError)
    assert error.code is ErrorCode.CREDENTIALS_EXPIRED


async def test_a_program_for_credentials_that_is_not_there_is_a_bad_setting(tmp_path: Path) -> None:
    write_profile(tmp_path, f"credential_process = {tmp_path / 'program'}")
    error = await failure_of()
    assert isinstance(error, FatalError)
    assert error.exit_code is ExitCode.BAD_SETTINGS
    assert str(tmp_path / "program") in error.message


async def test_what_a_program_for_credentials_says_lets_nobody_in(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'no answer at https://user:password@vault/ ' >&2\nexit 1\n")
    program.chmod(0o755)
    write_profile(tmp_path, f"credential_process = {program}")
    error = await failure_of()
    assert isinstance(error, FatalError)
    assert "no answer at https://" in error.message
    assert "password" not in error.message


async def test_a_bundle_of_certificates_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    error = await failure_of("https://127.0.0.1:1")
    assert isinstance(error, OutageError)
    assert "check AWS_CA_BUNDLE" in error.message
