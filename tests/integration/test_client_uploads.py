"""Large files on their way up: bounded memory, progress, and nothing left of an upload that ends early."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import aioboto3
import pytest

from contracts.client import ClientConfig, StenoClient
from tests.integration.listening import listening
from tests.stack.store import S3Address

pytestmark = pytest.mark.usefixtures("aws_environment")

MIB = 1024**2
FILE_BYTES = 128 * MIB


@pytest.fixture
async def client(bucket: str) -> AsyncIterator[StenoClient]:
    async with StenoClient(ClientConfig(uploads_prefix=f"s3://{bucket}/in/")) as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen parts of zeros, sparse on disk."""
    path = tmp_path_factory.mktemp("large") / "long.wav"
    with path.open("wb") as file:
        file.truncate(FILE_BYTES)
    return path


async def test_an_upload_tells_how_far_it_is_and_holds_a_few_parts_in_memory(client: StenoClient, path: Path) -> None:
    told: list[tuple[int, int]] = []
    tracemalloc.start()
    try:
        await client.upload(path, on_progress=lambda sent_bytes, size_bytes: told.append((sent_bytes, size_bytes)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sent = [sent_bytes for sent_bytes, _ in told]
    assert len(told) == 16
    assert sent == sorted(set(sent))
    assert told[-1] == (FILE_BYTES, FILE_BYTES)
    assert peak_bytes < 80 * MIB  # four parts, which are held twice while they are sent


async def test_an_upload_that_ends_early_leaves_nothing(
    client: StenoClient, bucket: str, s3_address: S3Address, path: Path
) -> None:
    begun = asyncio.Event()
    cancelled = asyncio.create_task(client.upload(path, on_progress=lambda _, __: begun.set()))
    await begun.wait()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled

    def refuse(_: int, __: int) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await client.upload(path, on_progress=refuse)
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with session.client("s3", endpoint_url=s3_address.endpoint) as s3:
        assert (await s3.list_objects_v2(Bucket=bucket))["KeyCount"] == 0
        assert "Uploads" not in await s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ClientConfig(addressing="path"), (None, None)),
        (ClientConfig(addressing="path", encryption="AES256"), ("AES256", None)),
        (ClientConfig(addressing="path", encryption="aws:kms", kms_key_id="key-1"), ("aws:kms", "key-1")),
    ],
)
async def test_every_object_is_begun_with_the_encryption_set(
    config: ClientConfig, said: tuple[str | None, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = tmp_path / "a.wav", tmp_path / "b.wav"
    small.write_bytes(b"sound")
    large.write_bytes(bytes(9 * MIB))
    async with listening() as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", listener.url)
        async with StenoClient(config) as client:
            await client.upload(small)
            await client.upload(large)
    asked = listener.asked("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
    assert asked[:2] == [said, said]
    assert [request.method for request in listener.requests] == ["PUT", "POST", "PUT", "PUT", "POST"]
    assert set(asked[2:]) == {(None, None)}  # the parts of an upload do not repeat what it began with


@pytest.mark.parametrize(("addressing", "host"), [("path", "store:9000"), ("virtual", "media.store:9000")])
async def test_the_bucket_stands_where_it_was_asked_for(
    addressing: Literal["path", "virtual"], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    async with listening() as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://store:9000")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with StenoClient(ClientConfig(addressing=addressing, uploads_prefix="s3://media/in/")) as client:
            await client.upload(path)
    assert proxy.asked("Host") == [(host,)]
