"""Whether a store is fit for steno, a row of the README's table for it: `python -m tests.bench.races [--json]`.

Writers with connections of their own put one key at the same moment, under `If-None-Match: *` and under `If-Match`;
steno needs exactly one to win each time. Besides: versions, keys that nobody would choose, and what a worker's start
says of it. The store is `STENO_TEST_S3` with `AWS_*`, or one that is started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import aioboto3
from botocore.exceptions import ClientError

from consumer.adapters.s3_store import S3Store, probe_conditional_writes
from consumer.core.failures import FatalError
from tests.stack import store
from tests.stack.clients import make_bucket
from tests.stack.service import first_of
from tests.stack.store import S3Address

ODD_KEYS: Final = (
    "a b+c%2F&=?#.mp3", "日本語/ä.wav", "u\u0308", "deep/er/than/one", "trailing.", "dot./x", " /x", "..x/y", "a\\b",
    "a\nb", "a%00b", "a/b=c;d:e@f,g'h(1)!*.m4a", "💥", "Case", "case", "s/" * 500 + "x", "k//a", "k/a", "/k/a", "k/./a",
    "k/../a", "tree/x", "tree", "s" * 300, "a\0b",
)  # fmt: skip
_CONFLICT_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Race:
    """How one race ended."""

    winners: int
    is_kept: bool
    """The object holds the bytes of the only winner."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of a store."""

    store: str
    races: int
    writers: int
    create_races_won_by_one: int
    replace_races_won_by_one: int
    has_versions: bool
    keys: dict[str, list[str]]
    """Odd keys by what became of them: `kept`, `refused`, `merged` with another one."""
    probe: str


async def race(clients: list[Any], bucket: str, key: str, **condition: str) -> Race:
    """All clients put at once, each with bytes of its own, under one condition."""
    bodies = [f"{number}".encode() for number in range(len(clients))]
    won = await asyncio.gather(
        *(_has_won(each, {"Bucket": bucket, "Key": key, "Body": body, **condition})
          for each, body in zip(clients, bodies, strict=True))
    )  # fmt: skip
    winners = [body for body, has_won in zip(bodies, won, strict=True) if has_won]
    held = await (await clients[0].get_object(Bucket=bucket, Key=key))["Body"].read()
    return Race(len(winners), winners == [held])


async def _has_won(client: Any, put: dict[str, Any]) -> bool:
    for _ in range(_CONFLICT_TRIES):
        try:
            await client.put_object(**put)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code == "ConditionalRequestConflict":
                continue
            if code in {"PreconditionFailed", "412"}:
                return False
            raise
        return True
    return False


async def race_to_create(clients: list[Any], bucket: str, key: str) -> Race:
    """One object that is not there yet."""
    return await race(clients, bucket, key, IfNoneMatch="*")


async def race_to_replace(clients: list[Any], bucket: str, key: str) -> Race:
    """One object of a known ETag."""
    etag = (await clients[0].put_object(Bucket=bucket, Key=key, Body=b"before"))["ETag"]
    return await race(clients, bucket, key, IfMatch=etag)


@asynccontextmanager
async def writers(address: S3Address, count: int) -> AsyncIterator[list[Any]]:
    """Plain clients, each with connections of its own."""
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with AsyncExitStack() as stack:
        opening = (session.client("s3", endpoint_url=address.endpoint) for _ in range(count))
        yield [await stack.enter_async_context(client) for client in opening]


async def won_by_one(
    run: Callable[[list[Any], str, str], Awaitable[Race]], clients: list[Any], bucket: str, count: int
) -> int:
    """Of so many races, how many had one winner whose bytes stayed."""
    ended = [await run(clients, bucket, f"{run.__name__}/{number}") for number in range(count)]
    return sum(each.winners == 1 and each.is_kept for each in ended)


async def examine(address: S3Address, name: str, *, races: int, writers_at_once: int) -> Row:
    """Everything about one store, in buckets of its own."""
    bucket, versioned = [await make_bucket(address, f"races-{uuid.uuid4().hex[:8]}") for _ in range(2)]
    async with writers(address, writers_at_once) as clients:
        return Row(
            store=name,
            races=races,
            writers=writers_at_once,
            create_races_won_by_one=await won_by_one(race_to_create, clients, bucket, races),
            replace_races_won_by_one=await won_by_one(race_to_replace, clients, bucket, races),
            has_versions=await _has_versions(clients[0], versioned),
            keys=await _fates(clients[0], bucket),
            probe=await _verdict(address, bucket),
        )


async def _has_versions(client: Any, bucket: str) -> bool:
    try:
        await client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        old = (await client.put_object(Bucket=bucket, Key="call.mp3", Body=b"old"))["VersionId"]
        await client.put_object(Bucket=bucket, Key="call.mp3", Body=b"new")
        found = await client.get_object(Bucket=bucket, Key="call.mp3", VersionId=old)
        return bool(await found["Body"].read() == b"old")
    except (ClientError, KeyError):
        return False


async def _fates(client: Any, bucket: str) -> dict[str, list[str]]:
    """Puts every odd key with bytes of its own, then reads them all."""
    bodies = {f"odd/{key}": f"{number}".encode() for number, key in enumerate(ODD_KEYS)}
    refused = {key for key, body in bodies.items() if not await _is_taken(client, bucket, key, body)}
    fates: dict[str, list[str]] = {"kept": [], "refused": [], "merged": []}
    for key in bodies:
        if key in refused:
            fates["refused"].append(_shown(key))
        else:
            held = await (await client.get_object(Bucket=bucket, Key=key))["Body"].read()
            fates["kept" if held == bodies[key] else "merged"].append(_shown(key))
    return fates


async def _is_taken(client: Any, bucket: str, key: str, body: bytes) -> bool:
    try:
        await client.put_object(Bucket=bucket, Key=key, Body=body)
    except ClientError:
        return False
    return True


def _shown(key: str) -> str:
    name = key.removeprefix("odd/")
    return repr(name) if len(name) < 40 else f"{name[:4]!r}…, {len(name.encode())} bytes"


async def _verdict(address: S3Address, bucket: str) -> str:
    session = aioboto3.Session(address.access_key, address.secret_key, region_name=address.region)
    async with S3Store(session, endpoint_url=address.endpoint) as opened:
        try:
            await probe_conditional_writes(opened, f"s3://{bucket}/.steno/", "races")
        except FatalError as exc:
            return exc.message
    return "fit"


def main() -> None:
    """Prints the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        found = first_of(store.PROVIDERS, stack)
        row = asyncio.run(examine(found.address, found.name, races=options.races, writers_at_once=options.writers))
    if options.json:
        print(json.dumps(asdict(row), ensure_ascii=False))  # noqa: T201 - what was asked for
    else:
        print(_text(row))  # noqa: T201 - likewise


def _text(row: Row) -> str:
    odd = "; ".join(f"{fate}: {', '.join(row.keys[fate])}" for fate in ("refused", "merged") if row.keys[fate])
    return (
        f"{row.store}: {row.writers} writers, races won by one: {row.create_races_won_by_one} of {row.races} to create,"
        f" {row.replace_races_won_by_one} of {row.races} to replace; versions: {'yes' if row.has_versions else 'no'};"
        f" odd keys kept: {len(row.keys['kept'])} of {len(ODD_KEYS)}\n{odd}\nprobe: {row.probe}"
    )


if __name__ == "__main__":
    main()
