"""Jobs started by notifications of objects with keys that nobody would choose: `python -m tests.bench.keys`.

Hypothesis draws the keys; each object is put into the store, told of in the words of AWS, MinIO, VersityGW's kin or
EventBridge, compressed in one way or another, and must end in exactly one outcome and a result set. The engine is the
fake one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote_plus

import hypothesis
from aiokafka import AIOKafkaProducer
from botocore.exceptions import ClientError
from hypothesis import strategies as st

from tests import speech
from tests.bench.deploying import deployed_here
from tests.e2e.fleet import Deployment, data_of

CODECS: Final = ("gzip", "lz4", "snappy", "zstd", None)
MAX_KEY_BYTES: Final = 1024
_PUTS_AT_ONCE: Final = 16
_FRAGMENTS: Final = (
    "/",
    "//",
    "..",
    "/../",
    "%",
    "%2F",
    "%20",
    "+",
    " ",
    "?",
    "#",
    "&",
    "音",
    "ü",
    "u\u0308",
    "🎙",
    "\n",
)
_FRAGMENT = st.sampled_from(_FRAGMENTS) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
KEYS: Final = st.lists(_FRAGMENT, min_size=1, max_size=200).map("".join).map(lambda key: _cut(f"in/{key}"))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the keys."""

    drawn: int
    refused_by_store: int
    jobs: int
    completed: int
    failed: dict[str, int]
    """By error code."""
    lost: int
    repeated_outcomes: int
    seconds: float


def draw_keys(count: int, *, seed: int) -> list[str]:
    """Different keys, the same ones for the same seed."""
    found: dict[str, None] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=4 * count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(KEYS)
    def draw(key: str) -> None:
        found[key] = None

    draw()
    return list(found)[:count]


def notifications(bucket: str, key: str) -> Iterator[bytes]:
    """Of one new object, as each kind of sender words it for a worker that takes keys for form-encoded."""
    form = _record(bucket, quote_plus(key, safe="/"))
    yield json.dumps({"Records": [form]}).encode()
    yield json.dumps({"Key": f"{bucket}/{key}", "Records": [_record(bucket, quote_plus(key))]}).encode()
    yield json.dumps({"Key": f"{bucket}/{key}", "Records": [_record(bucket, key)]}).encode()
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}
    yield json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail}).encode()
    event = {"specversion": "1.0", "id": "1", "source": "/s3", "type": "com.amazonaws.s3.ObjectCreated:Put"}
    yield json.dumps({**event, "data": form}).encode()


async def run(deployment: Deployment, keys: list[str], *, within_s: float) -> Tally:
    """Puts and tells of every object, and waits for all outcomes."""
    stored = [key for key, is_stored in zip(keys, await _put_all(deployment, keys), strict=True) if is_stored]
    started = time.monotonic()
    await _tell(deployment, stored)
    events = await deployment.outcomes(len(stored), within_s=within_s)
    ends = {event.subject: data_of(event) for event in events}
    codes = Counter(end.error.code for end in ends.values() if end.error is not None)
    return Tally(
        drawn=len(keys),
        refused_by_store=len(keys) - len(stored),
        jobs=len(stored),
        completed=len(ends) - codes.total(),
        failed=dict(codes),
        lost=len({f"s3://{deployment.prefix}/{key}" for key in stored} - ends.keys()),
        repeated_outcomes=len(events) - len({event.id for event in events}),
        seconds=round(time.monotonic() - started, 1),
    )


def _cut(key: str) -> str:
    return key.encode()[:MAX_KEY_BYTES].decode(errors="ignore")


def _record(bucket: str, key: str) -> dict[str, Any]:
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}


async def _put_all(deployment: Deployment, keys: list[str]) -> list[bool]:
    """Whether the store took each key."""
    body = await asyncio.to_thread(speech.SHORT.path.read_bytes)
    gate = asyncio.Semaphore(_PUTS_AT_ONCE)
    async with deployment.objects() as client:

        async def put(key: str) -> bool:
            async with gate:
                try:
                    await client.put_object(Bucket=deployment.prefix, Key=key, Body=body)
                except ClientError:
                    return False
                return True

        return await asyncio.gather(*map(put, keys))


async def _tell(deployment: Deployment, keys: list[str]) -> None:
    for number, codec in enumerate(CODECS):
        async with AIOKafkaProducer(bootstrap_servers=deployment.bootstrap, compression_type=codec) as producer:
            for key in keys[number :: len(CODECS)]:
                wordings = list(notifications(deployment.prefix, key))
                await producer.send(deployment.requests, wordings[len(key) % len(wordings)])


async def _run_here(count: int, seed: int) -> Tally:
    async with deployed_here("keys") as deployment:
        await deployment.start_worker(STENO_ENGINE__KIND="fake")
        return await run(deployment, draw_keys(count, seed=seed), within_s=count)


def main(write: Callable[[str], object] = print) -> None:
    """Prints the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(json.dumps(asdict(asyncio.run(_run_here(arguments.jobs, arguments.seed)))))


if __name__ == "__main__":
    main()
