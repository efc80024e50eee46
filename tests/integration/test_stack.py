"""The stack itself: its fixtures lead to working services, and nothing outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aioboto3
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from consumer.cli.ending import run
from consumer.settings import KafkaSettings, S3Settings, Settings, TopicSettings
from contracts.requests import split_s3_uri
from tests.processes import is_running
from tests.stack.furniture import BUCKETS, furnish
from tests.stack.service import MissingServiceError, running, work_directory
from tests.stack.store import S3Address
from tests.waiting import until

_DEADLINE_S = 20.0
_PARENT = """
import os, sys, time
from pathlib import Path
from tests.stack.service import running, work_directory
with work_directory() as directory:
    with running(["sleep", "600"], directory, {"PATH": os.environ["PATH"]}, lambda: True):
        print(directory, flush=True)
        time.sleep(600)
"""


async def test_a_topic_fixture_is_a_topic_of_two_partitions(kafka: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([topic])
    finally:
        await admin.close()
    assert len(found["partitions"]) == 2


async def test_a_bucket_fixture_takes_objects(s3_address: S3Address, bucket: str) -> None:
    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with session.client("s3", endpoint_url=s3_address.endpoint) as client:
        await client.put_object(Bucket=bucket, Key="a", Body=b"b")
        found = await client.list_objects_v2(Bucket=bucket)
    assert [entry["Key"] for entry in found["Contents"]] == ["a"]


async def test_a_service_that_is_stopped_and_started_finds_what_it_wrote() -> None:
    command = ["sh", "-c", "echo $$ >> lives; exec sleep 600"]
    with work_directory() as directory:
        lives = directory / "lives"
        with running(command, directory, {"PATH": os.environ["PATH"]}, lives.exists) as holder:
            await until(lambda: len(lives.read_text().split()) == 1)
            holder.stop()
            assert not is_running(int(lives.read_text()))
            holder.start()
            await until(lambda: len(lives.read_text().split()) == 2)


async def test_a_furnished_stack_has_what_a_worker_checks(kafka: str, s3_address: S3Address, unique: str) -> None:
    names = TopicSettings(requests=f"{unique}.requests")
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=kafka), topics=names)
    for _ in range(2):
        await furnish(kafka, s3_address, topics=settings.topic_specs, buckets=[unique])

    session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
    async with session.client("s3", endpoint_url=s3_address.endpoint) as client:
        await client.head_bucket(Bucket=unique)
    assert await asyncio.to_thread(run, ["topics", "check"], lambda: settings) == 0


def test_the_buckets_are_those_of_a_workers_defaults() -> None:
    settings = S3Settings()
    assert {split_s3_uri(uri)[0] for uri in (settings.results, settings.uploads)} == set(BUCKETS)


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with its process group"])
def test_a_service_dies_with_a_parent_that_was_killed(kill: Callable[[int, int], None]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    directory = Path(parent.stdout.readline().strip())
    kill(parent.pid, signal.SIGKILL)
    parent.wait(_DEADLINE_S)
    parent.stdout.close()
    deadline = time.monotonic() + _DEADLINE_S
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    # The holder removes the directory only after the service was reaped.
    assert not directory.exists()


def test_a_service_that_ends_at_start_says_why() -> None:
    command = ["sh", "-c", "echo no such luck; exit 3"]
    with (
        pytest.raises(MissingServiceError, match="no such luck"),
        work_directory() as directory,
        running(command, directory, {"PATH": os.environ["PATH"]}, lambda: False),
    ):
        pytest.fail("it must not come up")
