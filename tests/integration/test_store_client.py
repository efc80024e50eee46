"""What the S3 client says on the wire: where the bucket stands, how a write is encrypted, what a request costs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aioboto3
import botocore.session
import pytest

from consumer.adapters.s3_store import S3Store, StoreConfig
from consumer.adapters.s3_store.client import Addressing, open_client
from tests.integration.listening import Listener, listening

SESSION = aioboto3.Session("key", "secret", region_name="us-east-1")


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


@pytest.mark.parametrize(
    ("addressing", "url"),
    [
        ("path", "http://store:9000/bucket/key"),
        ("auto", "http://store:9000/bucket/key"),
        ("virtual", "http://bucket.store:9000/key"),
    ],
)
async def test_the_bucket_stands_where_it_was_asked_for(addressing: Addressing, url: str) -> None:
    async with open_client(SESSION, "http://store:9000", StoreConfig(addressing)) as client:
        signed = await client.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "key"})
    assert signed.partition("?")[0] == url


async def test_every_write_asks_for_the_encryption_set(listener: Listener) -> None:
    config = StoreConfig(encryption="aws:kms", kms_key_id="key-1")
    async with S3Store(SESSION, endpoint_url=listener.url, config=config) as store:
        await store.write("s3://bucket/a", b"x", "text/plain")
        await store.create("s3://bucket/b", b"x", "text/plain")
        await store.replace("s3://bucket/c", b"x", "text/plain", etag="etag")
    names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
    assert listener.asked(*names) == [("aws:kms", "key-1")] * 3


async def test_nothing_is_said_of_encryption_unless_set(listener: Listener) -> None:
    async with S3Store(SESSION, endpoint_url=listener.url) as store:
        await store.write("s3://bucket/a", b"x", "text/plain")
    assert [name for name in listener.requests[0].headers if "encryption" in name.lower()] == []


def test_no_endpoint_rule_of_this_botocore_reads_the_key() -> None:
    loader: Any = botocore.session.get_session().get_component("data_loader")
    rules = json.dumps(loader.load_service_model("s3", "endpoint-rule-set-1")["rules"])
    assert '"Bucket"' in rules
    assert '"Key"' not in rules
    assert "{Key" not in rules


async def test_endpoints_are_worked_out_once_for_a_bucket(listener: Listener) -> None:
    worked_out = 0
    async with open_client(SESSION, listener.url, StoreConfig()) as client:
        ruleset = client._ruleset_resolver._provider.ruleset  # type: ignore[attr-defined]
        evaluate = ruleset.evaluate

        def counted(parameters: Any) -> Any:
            nonlocal worked_out
            worked_out += 1
            return evaluate(parameters)

        ruleset.evaluate = counted
        for number in range(5):
            await client.put_object(Bucket="bucket", Key=f"key-{number}", Body=b"x")
    assert (worked_out, len(listener.requests)) == (1, 5)
