"""The whole path over a link with TLS and SCRAM, and a worker that the broker does not know."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from tests import speech
from tests.e2e.conftest import Reference, deployed
from tests.e2e.fleet import Deployment, data_of
from tests.stack.clients import make_topic
from tests.stack.secured import Secured
from tests.stack.store import S3Address


@pytest.fixture
async def secure(secured: Secured, s3_address: S3Address, unique: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A deployment whose commands all speak TLS and SCRAM-SHA-512, with the password in a file."""
    password = tmp_path / "password"
    password.write_text(f"{secured.scram_fields['sasl_password']}\n")
    fields = {**secured.scram_fields, "sasl_password": "", "sasl_password_file": str(password)}
    settings = {f"STENO_KAFKA__{name.upper()}": value for name, value in fields.items()}
    settings["STENO_KAFKA__BOOTSTRAP_SERVERS"] = secured.address("sasltls")
    # The tests themselves go through the open door.
    made = Deployment(secured.address("plaintext"), s3_address, unique, tmp_path, settings)
    async with deployed(made) as deployment:
        yield deployment


async def test_a_file_becomes_text_over_tls_and_scram(secure: Deployment, reference: Reference) -> None:
    await make_topic(secure.bootstrap, f"{secure.requests}-parking", partitions=1)  # of operators, not of workers
    assert (await steno(secure, "topics", "check", "--json"))[0] in {ExitCode.OK, ExitCode.FAILED}
    await secure.start_worker()
    code, out, _ = await steno(
        secure, "submit", "--wait", "--json", "--temperature", "0", "--job-id", "call-1", str(speech.ENGLISH.path)
    )
    assert code == ExitCode.OK
    assert json.loads(out)["text"] == reference(speech.ENGLISH.path)
    (event,) = await secure.outcomes(1)
    assert data_of(event).job_id == "call-1"


async def test_a_worker_that_the_broker_refuses_ends_with_one_line_and_its_code(secure: Deployment) -> None:
    worker = secure.launch_worker(STENO_KAFKA__SASL_USERNAME="nobody")
    assert await worker.ended() == ExitCode.REFUSED
    lines = worker.log_path.read_text().splitlines()
    assert [line for line in lines if not line.startswith("{")] == lines[-1:]
    assert "does not take user 'nobody' with this password; check STENO_KAFKA__SASL_USERNAME" in lines[-1]


async def test_who_may_not_publish_is_told_before_the_other_inputs(secure: Deployment) -> None:
    secure.settings["STENO_KAFKA__SASL_USERNAME"] = "nobody"
    for flags in ([], ["--wait"]):
        code, out, err = await steno(secure, "submit", *flags, "s3://media/one.mp3", "s3://media/two.mp3")
        assert (code, out, len(err.splitlines())) == (ExitCode.REFUSED, "", 1)
        assert "does not take user 'nobody'" in err


async def steno(deployment: Deployment, *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a command of the deployment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", *arguments, env=deployment.environment(), cwd=deployment.folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
