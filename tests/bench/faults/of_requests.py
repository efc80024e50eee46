"""Faults of what is sent: bytes that are no request, media that is none, requests that come twice."""

from __future__ import annotations

from typing import Final

from contracts.errors import ErrorCode
from tests.bench.faults.evidence import Sent
from tests.bench.faults.scene import CLIPS, SOON_S, Scene, name_of
from tests.e2e.test_intake import BAD
from tests.waiting import until

_TIMES: Final = 3
_BYTES: Final = {value: code for value, code in BAD.values() if code != ErrorCode.INPUT_TOO_LARGE}
"""What holds no job; a request for too large a file does."""
_NOISE: Final = b"these are notes, not music\n" * 99
_NOT_MEDIA: Final = 10


async def poison(scene: Scene) -> None:
    """Every kind of bytes that is no request, and files that are no media, between good jobs."""
    await scene.fleet()
    requests = [scene.request(number) for number in range(scene.jobs)]
    for number in range(0, scene.jobs, max(scene.jobs // _NOT_MEDIA, 1)):
        requests[number]["input"]["uri"] = await scene.upload("notes.mp3", _NOISE)
        scene.expect(name_of(number), "MEDIA_UNSUPPORTED")
    half = len(requests) // 2
    await scene.publish(requests[:half])
    places = await scene.publish(list(_BYTES))
    scene.sent += [Sent(place, code) for place, code in zip(places, _BYTES.values(), strict=True)]
    scene.strikes += len(_BYTES)
    await scene.publish(requests[half:])


async def late_uploads(scene: Scene) -> None:
    """One object in ten comes seconds after the request for it."""
    await scene.fleet()
    requests = [scene.request(number) for number in range(scene.jobs)]
    late = requests[::10]
    bodies = {clip.name: clip.path.read_bytes() for clip in CLIPS}
    for request in late:
        request["input"]["uri"] = f"s3://{scene.deployment.prefix}/media/late-{request['job_id']}"
    await scene.publish(requests)
    await until(lambda: len(scene.watch.ended) >= scene.jobs // 4, "the first outcomes", within_s=SOON_S)
    for request in late:
        await scene.upload(f"late-{request['job_id']}", bodies[scene.clip_of[request["job_id"]]])
    scene.strikes += len(late)


async def same_content(scene: Scene) -> None:
    """As many jobs on a dozen recordings, all with the same options, so that each recording is asked for many times."""
    await scene.fleet()
    requests = [{**scene.request(number), "options": {}} for number in range(scene.jobs)]
    await scene.publish(requests)
    scene.strikes += scene.jobs - len(CLIPS)


async def duplicates(scene: Scene) -> None:
    """Every request three times at once, in three partitions."""
    await scene.fleet()
    requests = [scene.request(number) for number in range(scene.jobs)]
    for partition in range(_TIMES):
        await scene.publish(requests, partition)
        scene.strikes += len(requests) if partition else 0
