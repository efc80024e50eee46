"""Each party with exactly the rights of `infra/iam`, against a store that checks every call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aioboto3
import aiohttp
import pytest
from aiokafka import AIOKafkaProducer
from botocore.exceptions import ClientError

from contracts.client import ClientConfig, StenoClient, StoreClient
from contracts.state import JobState
from tests import media
from tests.beside import Beside
from tests.dead_letters import ours
from tests.e2e.desk import dlq
from tests.e2e.fleet import Deployment
from tests.make import make_record
from tests.stack.clients import make_bucket, make_topic
from tests.stack.store import S3Address, moto

POLICIES = Path(__file__).parents[2] / "infra" / "iam"
MEDIA, TRANSCRIPTS = "media", "transcripts"
SECONDS = 2
FORBIDDEN = (
    ("worker", "put_object", MEDIA, "uploads/x"),
    ("worker", "delete_object", TRANSCRIPTS, "job/manifest.json"),
    ("worker", "delete_object", MEDIA, "uploads/x"),
    ("producer", "put_object", TRANSCRIPTS, "job/manifest.json"),
    ("producer", "put_object", MEDIA, "elsewhere/x"),
    ("producer", "get_object", MEDIA, "uploads/x"),
    ("producer", "delete_object", MEDIA, "uploads/x"),
    ("producer", "put_object", TRANSCRIPTS, ".steno/-/job/cancel"),
    ("operator", "put_object", TRANSCRIPTS, ".steno/-/job/lease"),
    ("operator", "put_object", TRANSCRIPTS, "job/manifest.json"),
    ("operator", "get_object", TRANSCRIPTS, "job/transcript.json"),
    ("operator", "get_object", MEDIA, "uploads/x"),
    ("operator", "delete_object", TRANSCRIPTS, ".steno/-/job/cancel"),
)
"""Who may not do what."""


@dataclass(frozen=True)
class Identity:
    """Somebody's keys to the store, as any AWS client takes them."""

    address: S3Address

    async def refused(self, action: str, **parameters: str) -> str | None:
        """The code with which the store refuses a call; None where it does not."""
        address = self.address
        session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
        async with session.client("s3", endpoint_url=address.endpoint) as client:
            try:
                await getattr(client, action)(**parameters)
            except ClientError as exc:
                return str(exc.response["Error"]["Code"])
        return None


@pytest.fixture
async def identities() -> AsyncIterator[dict[str, Identity]]:
    """One identity for each policy; from here on the store checks."""
    with moto() as store:
        await make_bucket(store.address, MEDIA)
        await make_bucket(store.address, TRANSCRIPTS)
        found = {name: await _identity(store.address, name) for name in ("worker", "producer", "operator")}
        reset = f"{store.address.endpoint}/moto-api/reset-auth"
        async with aiohttp.ClientSession() as session, session.post(reset, data="0") as response:
            response.raise_for_status()
        yield found


async def _identity(address: S3Address, name: str) -> Identity:
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with session.client("iam", endpoint_url=address.endpoint) as iam:
        await iam.create_user(UserName=name)
        policy = (POLICIES / f"{name}.json").read_text("utf-8")
        await iam.put_user_policy(UserName=name, PolicyName="steno", PolicyDocument=policy)
        key = (await iam.create_access_key(UserName=name))["AccessKey"]
    return Identity(S3Address(address.endpoint, key["AccessKeyId"], key["SecretAccessKey"], address.region))


async def test_the_rights_we_ship_are_enough_for_a_job_from_upload_to_transcript(
    identities: dict[str, Identity], kafka: str, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"STENO_ENGINE__KIND": "fake", "STENO_S3__RESULTS": f"s3://{TRANSCRIPTS}/"}
    deployment = Deployment(kafka, identities["worker"].address, unique, tmp_path, settings)
    for topic in deployment.topics:
        await make_topic(kafka, topic, partitions=1)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(media.make_wav(SECONDS * 16_000))
    large = tmp_path / "large.wav"
    large.write_bytes(media.make_wav(10 * 60 * 16_000))
    for name, value in identities["producer"].address.environment().items():
        monkeypatch.setenv(name, value)
    config = ClientConfig(
        bootstrap_servers=kafka, requests_topic=deployment.requests, results_topic=deployment.results,
        progress_topic=f"{unique}.progress", uploads_prefix=f"s3://{MEDIA}/uploads/",
    )  # fmt: skip
    try:
        await deployment.start_worker()
        async with StenoClient(config) as client:
            for path in (clip, large):
                job = await client.submit_file(path)
                outcome = await client.wait(job)
                transcript = await client.fetch_transcript(outcome)
                assert transcript.segments
    finally:
        await deployment.close()
    letters = await deployment.read(deployment.dead_letters, 0)
    assert [dict(letter.headers).get("x-steno-error-message") for letter in letters] == []


async def test_an_operator_may_ask_for_jobs_and_cancel_them(
    identities: dict[str, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Beside.opened(identities["worker"].address, TRANSCRIPTS, folder="") as beside:
        await beside.lease("running")
        await beside.manifest("done", "acme")
        await beside.status("done", JobState.COMPLETED, "acme")
    for name, value in identities["operator"].address.environment().items():
        monkeypatch.setenv(name, value)
    async with StoreClient(ClientConfig()) as client:
        running, unknown = await client.status("running"), await client.cancel("queued")
        found = {job.job_id: job.state async for job in client.jobs()}
        cancelled = await client.cancel("running")
    assert running is not None
    assert (running.state, unknown, cancelled) == (JobState.RUNNING, None, running)
    assert found == {"running": JobState.RUNNING, "done": JobState.COMPLETED, "queued": JobState.QUEUED}


async def test_an_operator_may_replay_dead_letters(
    identities: dict[str, Identity], kafka: str, unique: str, tmp_path: Path
) -> None:
    settings = {"STENO_S3__RESULTS": f"s3://{TRANSCRIPTS}/"}
    deployment = Deployment(kafka, identities["operator"].address, unique, tmp_path, settings)
    for topic in (deployment.requests, deployment.dead_letters):
        await make_topic(kafka, topic, partitions=1)
    letter = ours(make_record(), topic=deployment.dead_letters)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(letter.topic, letter.value, key=letter.key, headers=list(letter.headers))
    for selected in (1, 0):
        (report,) = await dlq(deployment, "replay", "--to", deployment.requests, "--yes")
        assert report["selected"] == selected


async def test_nothing_else_is_allowed(identities: dict[str, Identity]) -> None:
    answers = {each: await identities[each[0]].refused(each[1], Bucket=each[2], Key=each[3]) for each in FORBIDDEN}
    assert answers == dict.fromkeys(FORBIDDEN, "AccessDenied")
