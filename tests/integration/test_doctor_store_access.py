"""What the doctor says where no store answers, or it cannot be known who asks."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from consumer.doctor.findings import Level
from tests.integration.doctors_look import Look
from tests.integration.odd_stores import keeping, serving
from tests.stack.certificates import Authority


async def test_a_store_that_accepts_and_says_nothing_is_told_in_time(look: Look) -> None:
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


async def test_no_credentials_at_all_say_where_they_belong(look: Look) -> None:
    found = await look("http://127.0.0.1:1", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert found["store"].level is Level.FAILED
    assert "AWS_ACCESS_KEY_ID" in found["store"].advice


async def test_a_certificate_of_nobody_known_says_where_to_name_its_authority(look: Look, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("store", hosts=("127.0.0.1",)).both)
    async with serving(keeping(conditions=True), context) as endpoint:
        strange = await look(endpoint)
        known = await look(endpoint, AWS_CA_BUNDLE=str(authority.file))
    assert (strange["store"].level, known["store"].level) == (Level.FAILED, Level.OK)
    assert "AWS_CA_BUNDLE" in strange["store"].advice
