"""The demo's embedded store and broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aioboto3
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from botocore.exceptions import ClientError
from types_aiobotocore_s3.client import S3Client

from consumer.core.failures import ExitCode, FatalError
from consumer.demo.embedded import Stack, embedded_stack
from tests.processes import children_of, is_running
from tests.waiting import until

DEADLINE_S: Final = 30.0
HOLDER: Final = """
import asyncio, os
from consumer.demo.embedded import embedded_stack

async def main():
    async with embedded_stack(buckets=["media"], topics=["requests"]) as stack:
        print(stack.s3, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_store_has_its_buckets_and_keeps_conditional_writes() -> None:
    async with embedded_stack(buckets=["media", "transcripts"], topics=[]) as stack, store(stack) as client:
        listed = await client.list_buckets()
        assert [bucket["Name"] for bucket in listed["Buckets"]] == ["media", "transcripts"]
        await client.put_object(Bucket="media", Key="lease", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            await client.put_object(Bucket="media", Key="lease", Body=b"2", IfNoneMatch="*")


async def test_broker_has_its_topics_and_delivers_to_a_group() -> None:
    async with embedded_stack(buckets=[], topics=["requests", "results"]) as stack:
        consumer = AIOKafkaConsumer(
            "requests", bootstrap_servers=stack.kafka, group_id="workers", auto_offset_reset="earliest"
        )
        async with asyncio.timeout(DEADLINE_S), consumer:
            assert {"requests", "results"} <= await consumer.topics()
            async with AIOKafkaProducer(bootstrap_servers=stack.kafka, enable_idempotence=True) as producer:
                await producer.send_and_wait("requests", b"value", key=b"key")
            record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"value")


async def test_stack_that_cannot_start_says_why() -> None:
    with pytest.raises(FatalError, match=r"did not start: .*HTTP Error 4") as caught:
        async with embedded_stack(buckets=["no"], topics=[]):
            pass
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are found in /proc")
async def test_stack_dies_with_a_killed_demo() -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert holder.stdout
    async with asyncio.timeout(DEADLINE_S):
        await holder.stdout.readline()
        [stack_pid] = children_of(holder.pid)
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
    await until(lambda: not is_running(stack_pid))


@contextlib.asynccontextmanager
async def store(stack: Stack) -> AsyncIterator[S3Client]:
    session = aioboto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo", region_name="us-east-1")
    async with session.client("s3", endpoint_url=stack.s3) as client:
        yield client
