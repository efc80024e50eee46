"""The client library against a real broker and a real store."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import aioboto3
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import Input, Options, TranscriptionRequest, split_s3_uri
from contracts.client import ClientConfig, ClientError, StenoClient
from contracts.events import Kind
from tests.integration.telling import MEDIA, TIMEOUT_S, Teller, furnished
from tests.stack.store import S3Address


@pytest.fixture
async def config(kafka: str, unique: str) -> ClientConfig:
    return await furnished(kafka, unique)


async def first_record(config: ClientConfig) -> tuple[bytes, bytes, dict[str, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=config.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(config.requests_topic, number) for number in range(2)])
        async with asyncio.timeout(TIMEOUT_S):
            record = await consumer.getone()
        return record.key, record.value, dict(record.headers)
    finally:
        await consumer.stop()


@pytest.mark.usefixtures("aws_environment")
class TestWithStore:
    @pytest.mark.parametrize("size", [0, 1000, 8 * 1024**2, 20 * 1024**2 + 1])
    async def test_an_upload_is_the_file_byte_for_byte(
        self, bucket: str, s3_address: S3Address, tmp_path: Path, size: int
    ) -> None:
        path = tmp_path / "my call.mp3"
        path.write_bytes(os.urandom(size))
        async with StenoClient(ClientConfig(uploads_prefix=f"s3://{bucket}/in/")) as client:
            first, second = await client.upload(path), await client.upload(path)
        assert first != second
        assert first.startswith(f"s3://{bucket}/in/")
        assert first.endswith("/my call.mp3")
        session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
        async with session.client("s3", endpoint_url=s3_address.endpoint) as s3:
            found = await s3.get_object(Bucket=bucket, Key=split_s3_uri(first)[1])
            assert await found["Body"].read() == path.read_bytes()
            assert found["ContentType"] == "audio/mpeg"

    async def test_a_bucket_is_prefix_enough(self, bucket: str, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(b"x")
        async with StenoClient() as client:
            uri = await client.upload(path, prefix=f"s3://{bucket}/")
        assert "//" not in uri.removeprefix("s3://")

    async def test_a_missing_bucket_is_named(self, unique: str, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_bytes(b"x")
        async with StenoClient() as client:
            with pytest.raises(ClientError, match=rf"s3://{unique}-none/.*no such bucket"):
                await client.upload(path, prefix=f"s3://{unique}-none/")

    async def test_a_file_that_cannot_be_read_is_named(self, bucket: str, tmp_path: Path) -> None:
        async with StenoClient() as client:
            with pytest.raises(ClientError, match=r"cannot read .*missing.mp3: No such file"):
                await client.upload(tmp_path / "missing.mp3", prefix=f"s3://{bucket}/")
            with pytest.raises(ClientError, match="Is a directory"):
                await client.upload(tmp_path, prefix=f"s3://{bucket}/")


class TestSubmit:
    async def test_a_request_arrives_as_it_was_submitted(self, config: ClientConfig) -> None:
        request = TranscriptionRequest(
            job_id="call-1", input=Input(uri=MEDIA), options=Options(temperature=(0.0,)), metadata={"case": "17"}
        )
        async with StenoClient(config) as client:
            assert (await client.submit(request, traceparent="00-a-b-01")).job_id == "call-1"
        key, value, headers = await first_record(config)
        assert key == b"call-1"
        assert TranscriptionRequest.model_validate_json(value) == request
        assert b"null" not in value
        assert headers["traceparent"] == b"00-a-b-01"

    async def test_a_request_without_a_job_id_gets_one(self, config: ClientConfig) -> None:
        async with StenoClient(config) as client:
            job = await client.submit(TranscriptionRequest(input=Input(uri=MEDIA)))
        key, value, _ = await first_record(config)
        assert key.decode() == json.loads(value)["job_id"] == job.job_id

    async def test_a_missing_topic_is_named(self, config: ClientConfig) -> None:
        async with StenoClient(replace(config, requests_topic="not-there")) as client:
            with pytest.raises(ClientError, match=r"no topic not-there.*steno topics init"):
                await client.submit(TranscriptionRequest(input=Input(uri=MEDIA)))

    async def test_a_broker_that_is_not_there_is_named(self) -> None:
        async with StenoClient(ClientConfig(bootstrap_servers="127.0.0.1:1", answer_timeout_s=10)) as client:
            with pytest.raises(ClientError, match=r"127\.0\.0\.1:1: nobody listens"):
                await client.submit(TranscriptionRequest(input=Input(uri=MEDIA)))
            with pytest.raises(ClientError, match=r"127\.0\.0\.1:1: nobody listens"):
                await client.follow().__aenter__()


class TestFollow:
    async def test_only_what_comes_after_opening_is_seen(self, config: ClientConfig, worker: Teller) -> None:
        await worker.tell(Kind.COMPLETED, "before")
        async with StenoClient(config) as client, client.follow() as feed:
            await worker.tell(Kind.COMPLETED, "after")
            async with asyncio.timeout(TIMEOUT_S):
                assert (await anext(feed.events())).data.job_id == "after"

    async def test_each_job_is_followed_to_its_outcome(self, config: ClientConfig, worker: Teller) -> None:
        async with StenoClient(config) as client, client.follow() as feed:
            await worker.tell(Kind.STARTED, "a")
            await worker.tell(Kind.COMPLETED, "stranger")
            await worker.tell(Kind.FAILED, "a", code="INTERNAL")
            await worker.tell(Kind.COMPLETED, "b")
            events = [event async for event in feed.until_settled(["a", "b"], timeout_s=TIMEOUT_S)]
        assert {(event.data.job_id, event.type) for event in events if event.type != Kind.STARTED.type} == {
            ("a", Kind.FAILED.type),
            ("b", Kind.COMPLETED.type),
        }
        assert "stranger" not in {event.data.job_id for event in events}

    async def test_a_repeated_event_counts_once_and_a_foreign_record_not_at_all(
        self, config: ClientConfig, worker: Teller
    ) -> None:
        async with StenoClient(config) as client, client.follow() as feed:
            await worker.producer.send_and_wait(config.progress_topic, b"no event", partition=0)
            for _ in range(3):
                await worker.tell(Kind.PROGRESS, "a")
            reading = feed.until_settled(["a"], timeout_s=TIMEOUT_S)
            assert (await anext(reading)).type == Kind.PROGRESS.type
            await worker.tell(Kind.COMPLETED, "a")
            assert [event.type async for event in reading] == [Kind.COMPLETED.type]

    async def test_waiting_for_an_outcome_ends(self, config: ClientConfig) -> None:
        async with StenoClient(config) as client, client.follow() as feed:
            with pytest.raises(ClientError, match=r"no outcome after 0\.1 s for a, b"):
                assert [event async for event in feed.until_settled(["b", "a"], timeout_s=0.1)] == []

    async def test_a_missing_topic_is_named(self, config: ClientConfig) -> None:
        with pytest.raises(ClientError, match="no topic not-there"):
            await StenoClient(replace(config, results_topic="not-there")).follow().__aenter__()


@pytest.mark.usefixtures("aws_environment")
class TestFetchTranscript:
    @pytest.fixture
    async def manifest(self, bucket: str, s3_address: S3Address) -> str:
        """A result set from the published examples; its manifest's URI."""
        examples = Path(__file__).parents[2] / "contracts" / "examples" / "valid"
        body = (examples / "transcript.json").read_bytes()
        manifest = json.loads((examples / "manifest.json").read_bytes())
        for file in manifest["files"]:
            file["key"] = "out/j/" + file["key"].rpartition("/")[2]
            file["sha256"] = hashlib.sha256(body).hexdigest()
        session = aioboto3.Session(s3_address.access_key, s3_address.secret_key, region_name=s3_address.region)
        async with session.client("s3", endpoint_url=s3_address.endpoint) as s3:
            await s3.put_object(Bucket=bucket, Key="out/j/transcript.json", Body=body)
            await s3.put_object(Bucket=bucket, Key="out/j/manifest.json", Body=json.dumps(manifest).encode())
            await s3.put_object(Bucket=bucket, Key="other/transcript.json", Body=body + b"\n")
            manifest["files"] = [manifest["files"][0] | {"key": "other/transcript.json"}]
            await s3.put_object(Bucket=bucket, Key="other/manifest.json", Body=json.dumps(manifest).encode())
        return f"s3://{bucket}/out/j/manifest.json"

    async def test_a_transcript_is_read_by_its_manifest(self, manifest: str) -> None:
        async with StenoClient() as client:
            transcript = await client.fetch_transcript(manifest)
        assert transcript.text

    async def test_another_file_than_the_manifests_is_refused(self, manifest: str) -> None:
        async with StenoClient() as client:
            with pytest.raises(ClientError, match="its sha256 differs"):
                await client.fetch_transcript(manifest.replace("out/j", "other"))

    async def test_a_missing_manifest_is_named(self, manifest: str) -> None:
        async with StenoClient() as client:
            with pytest.raises(ClientError, match="no such object"):
                await client.fetch_transcript(manifest.replace("out/j", "nowhere"))

    async def test_what_is_no_manifest_is_refused(self, manifest: str) -> None:
        async with StenoClient() as client:
            with pytest.raises(ClientError, match="no result set"):
                await client.fetch_transcript(manifest.replace("manifest.json", "transcript.json"))
