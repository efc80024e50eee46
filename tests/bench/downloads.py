"""A large download over a link that is cut, on the store at hand: `python -m tests.bench.downloads [--json]`.

Bytes must be equal to those put; an object that is overwritten while it is fetched must be refused, with and without
versions, unless the version was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

import aioboto3

from consumer.adapters.s3_store import S3Store
from consumer.core.failures import JobError
from consumer.core.speech import FetchedObject
from contracts.requests import Input
from tests.e2e.cable import Cable, cable_to
from tests.stack import store
from tests.stack.clients import make_bucket
from tests.stack.service import first_of
from tests.stack.store import S3Address

_KEY = "long.wav"


@dataclass(frozen=True, slots=True)
class Run:
    """How one download went."""

    size_bytes: int
    cuts: int
    is_equal: bool
    seconds: float


@dataclass
class _Link:
    """An object in a store, and a cable to it."""

    producer: Any
    bucket: str
    body: bytes
    cable: Cable
    store: S3Store
    version_id: str | None = None

    async def put(self, body: bytes) -> str | None:
        answer = await self.producer.put_object(Bucket=self.bucket, Key=_KEY, Body=body)
        version_id: str | None = answer.get("VersionId")
        return version_id

    async def fetch(self, into: IO[bytes], version_id: str | None = None) -> FetchedObject:
        source = Input(uri=f"s3://{self.bucket}/{_KEY}", version_id=version_id)
        return await self.store.fetch(source, into, max_bytes=len(self.body))


@asynccontextmanager
async def _linked(address: S3Address, size_bytes: int, *, is_versioned: bool = False) -> AsyncIterator[_Link]:
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    bucket = await make_bucket(address, f"downloads-{uuid.uuid4().hex[:8]}")
    async with (
        session.client("s3", endpoint_url=address.endpoint) as producer,
        cable_to(address.endpoint) as cable,
        S3Store(session, endpoint_url=f"http://{cable.address}") as opened,
    ):
        if is_versioned:
            await producer.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        link = _Link(producer, bucket, os.urandom(size_bytes), cable, opened)
        link.version_id = await link.put(link.body)
        yield link


async def cut_download(address: S3Address, *, size_bytes: int, cuts: int) -> Run:
    """Fetches one object over a cable that breaks so often, at equal distances."""
    async with _linked(address, size_bytes) as link:
        link.cable.break_after(*[size_bytes // (cuts + 1)] * cuts)
        return await _timed(link, cuts)


async def overwritten_download(
    address: S3Address, *, size_bytes: int, is_versioned: bool, asks_for_version: bool = False
) -> Run:
    """Fetches one object over a cable that breaks once, and puts another into its place before the cable is mended.

    Raises:
        JobError: as `Store.fetch` does.
    """
    async with _linked(address, size_bytes, is_versioned=is_versioned) as link:
        link.cable.hold_after(size_bytes // 2)
        overwriting = asyncio.create_task(_overwrite_at_break(link))
        try:
            return await _timed(link, 1, link.version_id if asks_for_version else None)
        finally:
            await overwriting


async def _overwrite_at_break(link: _Link) -> None:
    await link.cable.broken.wait()
    await link.put(os.urandom(len(link.body)))
    link.cable.mend()


async def _timed(link: _Link, cuts: int, version_id: str | None = None) -> Run:
    with tempfile.TemporaryFile() as into:
        started = time.monotonic()
        fetched = await link.fetch(into, version_id)
        seconds = time.monotonic() - started
        is_equal = fetched.sha256 == hashlib.sha256(link.body).hexdigest() and _is_in(into, link.body)
    return Run(len(link.body), cuts - link.cable.breaks_left, is_equal, round(seconds, 3))


def _is_in(file: IO[bytes], body: bytes) -> bool:
    file.seek(0)
    return file.read() == body


async def _verdict(address: S3Address, size_bytes: int, *, is_versioned: bool) -> str:
    try:
        await overwritten_download(address, size_bytes=size_bytes, is_versioned=is_versioned)
    except JobError as exc:
        return exc.code
    return "taken"


async def examine(address: S3Address, size_bytes: int, cuts: int) -> dict[str, Any]:
    """All of it."""
    run = await cut_download(address, size_bytes=size_bytes, cuts=cuts)
    overwritten = {
        name: await _verdict(address, size_bytes, is_versioned=is_versioned)
        for name, is_versioned in (("overwritten", False), ("overwritten, versions kept", True))
    }
    return {**asdict(run), **overwritten}


def main() -> None:
    """Prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        found = first_of(store.PROVIDERS, stack)
        row = {"store": found.name, **asyncio.run(examine(found.address, options.mib * 1024**2, options.cuts))}
    text = json.dumps(row) if options.json else "\n".join(f"{name}: {value}" for name, value in row.items())
    print(text)  # noqa: T201 - what was asked for


if __name__ == "__main__":
    main()
