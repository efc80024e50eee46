"""Whether result sets are whole, and whether jobs were committed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from consumer.core.resultset import derive_result_set
from contracts.transcript import Manifest, Transcript
from tests.e2e.fleet import Deployment

_AT_ONCE: Final = 8


async def whole_sets(deployment: Deployment, clip_of: Mapping[str, str]) -> frozenset[str]:
    """Jobs all of whose files are there and follow from their transcript, which has the text of all jobs of its clip.

    Args:
        deployment: where the results are.
        clip_of: the clip of each job; those that are not in it are not looked at.
    """
    room = asyncio.Semaphore(_AT_ONCE)
    async with deployment.objects() as client:

        async def text_of(name: str) -> str | None:
            async with room:
                return _text(await _files(client, deployment.prefix, name))

        texts = dict(zip(clip_of, await asyncio.gather(*map(text_of, clip_of)), strict=True))
    usual = {
        clip: _most_common([text for name, text in texts.items() if clip_of[name] == clip]) for clip in clip_of.values()
    }
    return frozenset(name for name, text in texts.items() if text is not None and text == usual[clip_of[name]])


async def _files(client: Any, bucket: str, name: str) -> dict[str, bytes]:
    listed = await client.list_objects_v2(Bucket=bucket, Prefix=f"results/{name}/")
    keys = [entry["Key"] for entry in listed.get("Contents", [])]
    bodies = [await (await client.get_object(Bucket=bucket, Key=key))["Body"].read() for key in keys]
    return {key.rpartition("/")[2]: body for key, body in zip(keys, bodies, strict=True)}


def _text(files: Mapping[str, bytes]) -> str | None:
    """What a whole set says; None of one that is not whole."""
    if not {"transcript.json", "manifest.json"} <= set(files):
        return None
    derived = derive_result_set(files["transcript.json"])
    manifest = Manifest.model_validate_json(files["manifest.json"])
    named = {file.key.rpartition("/")[2]: file.sha256 for file in manifest.files}
    found = {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != "manifest.json"}
    is_whole = files["manifest.json"] == derived.manifest.body and named == found
    return Transcript.model_validate_json(files["transcript.json"]).text if is_whole else None


def _most_common(texts: Sequence[str | None]) -> str | None:
    return max(texts, key=texts.count, default=None)


async def lag_of(deployment: Deployment) -> int:
    """Records of the topics that workers read, requests and retries, that lie beyond the group's commits."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(deployment.prefix)
        topics = [topic for topic in await admin.list_topics() if _is_read(topic, deployment)]
    finally:
        await admin.close()
    async with AIOKafkaConsumer(*topics, bootstrap_servers=deployment.bootstrap, group_id=None) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
    return sum(end - max(offsets[place].offset if place in offsets else 0, 0) for place, end in ends.items())


async def partitions_of(deployment: Deployment, worker: str) -> frozenset[str]:
    """What a worker has of the requests topic, as topic/partition; nothing where the group does not know it now."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    await admin.start()
    try:
        (response,) = await admin.describe_consumer_groups([deployment.prefix])
    finally:
        await admin.close()
    (group,) = response.to_object()["groups"]
    given = [member["member_assignment"] for member in group["members"] if member["client_id"] == worker]
    assigned = [pair for raw in given if raw for pair in ConsumerProtocolMemberAssignment.decode(raw).assignment]
    return frozenset(
        f"{topic}/{number}" for topic, numbers in assigned for number in numbers if topic == deployment.requests
    )


def _is_read(topic: str, deployment: Deployment) -> bool:
    return topic == deployment.requests or topic.startswith(f"{deployment.requests}-retry-")
