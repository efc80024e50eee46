"""The calls of a fake job and nothing else, made with the same clients: what no worker can be faster than.

`python -m tests.bench.raw_loop [--tuned] [--decode]` takes the clients as they come, or S3's as steno sets it up; it
reads the settings of `steno worker` and ends by SIGTERM. For each record: two reads that find nothing, a lease under a
condition, the media, `transcript.json` under a condition, four other outputs, the manifest under a condition, a
`started` event that is not waited for, the outcome that is, a status, the lease's release under a condition, and a
commit. With `--decode` each file goes through steno's decoder, in a process without rights as in the worker. It
validates and transcribes nothing, keeps no order of offsets and would lose work in any fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

import aioboto3
from aiobotocore.config import AioConfig
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from botocore.exceptions import ClientError

from consumer.adapters.s3_store.client import StoreConfig, open_client
from consumer.media.decoder import ProcessDecoder
from consumer.parts import make_decoder
from consumer.settings import Settings
from contracts.requests import split_s3_uri

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

_TRANSCRIPT: Final = b"x" * 3000
_OUTPUT: Final = b"x" * 300
_OTHERS: Final = ("srt", "vtt", "txt", "tsv")
_EVENT: Final = b"x" * 500
_HEADERS: Final = [(f"ce_{number}", b"x" * 30) for number in range(9)]


class RawLoop:
    """One process's worth of plain calls."""

    def __init__(
        self, s3: S3Client, producer: AIOKafkaProducer, topic: str, results: str, decoder: ProcessDecoder | None
    ) -> None:
        self._s3 = s3
        self._decoder = decoder
        self._producer = producer
        self._events = f"{topic.removesuffix('.requests')}.results", f"{topic.removesuffix('.requests')}.progress"
        self._bucket, self._prefix = split_s3_uri(results)

    async def run_job(self, record: ConsumerRecord[bytes, bytes]) -> None:
        """Makes a job's calls."""
        request = json.loads(record.value)
        outcomes, progress = self._events
        place = f"{self._prefix}{request['job_id']}"
        state = f"{self._prefix}.steno/-/{request['job_id']}"
        _, _, etag = await asyncio.gather(
            self._look(f"{place}/manifest.json"),
            self._look(f"{place}/transcript.json"),
            self._create(f"{state}/lease", _OUTPUT),
        )
        await self._producer.send(progress, _EVENT, key=record.key, headers=_HEADERS)
        bucket, key = split_s3_uri(request["input"]["uri"])
        async with (await self._s3.get_object(Bucket=bucket, Key=key))["Body"] as body:
            media = await body.read()
        if self._decoder is not None:
            await _decode(self._decoder, media)
        await self._create(f"{place}/transcript.json", _TRANSCRIPT)
        await asyncio.gather(*(self._put(f"{place}/transcript.{name}", _OUTPUT) for name in _OTHERS))
        await self._create(f"{place}/manifest.json", _TRANSCRIPT)
        value = json.dumps({"job_id": request["job_id"], "engine_s": 0.0}).encode()
        await self._producer.send_and_wait(outcomes, value, key=record.key, headers=_HEADERS)
        await asyncio.gather(self._put(f"{state}/status", _OUTPUT), self._replace(f"{state}/lease", _OUTPUT, etag))

    async def _look(self, key: str) -> None:
        with contextlib.suppress(ClientError):
            await self._s3.get_object(Bucket=self._bucket, Key=key)

    async def _create(self, key: str, body: bytes) -> str:
        response = await self._s3.put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
        )
        return response["ETag"]

    async def _replace(self, key: str, body: bytes, etag: str) -> None:
        await self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfMatch=etag)

    async def _put(self, key: str, body: bytes) -> None:
        await self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="text/plain")


async def _decode(decoder: ProcessDecoder, media: bytes) -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(media)
        with await decoder.decode(file):
            pass


async def consume(loop: RawLoop, consumer: AIOKafkaConsumer, at_once: int) -> None:
    """Runs so many jobs at once, for ever, and commits what was read whenever a job ended."""
    slots = asyncio.Semaphore(at_once)
    ended = asyncio.Event()

    def finished(_: asyncio.Task[None]) -> None:
        slots.release()
        ended.set()

    async with asyncio.TaskGroup() as jobs:
        jobs.create_task(_commit(consumer, ended))
        while True:
            await slots.acquire()
            task = jobs.create_task(loop.run_job(await consumer.getone()))
            task.add_done_callback(finished)


async def _commit(consumer: AIOKafkaConsumer, ended: asyncio.Event) -> None:
    while True:
        await ended.wait()
        ended.clear()
        await consumer.commit()


async def run(environment: dict[str, str], arguments: list[str]) -> None:
    """Consumes until SIGTERM."""
    is_tuned, decodes = "--tuned" in arguments, "--decode" in arguments
    bootstrap, topic = environment["STENO_KAFKA__BOOTSTRAP_SERVERS"], environment["STENO_TOPICS__REQUESTS"]
    kafka: dict[str, Any] = {"bootstrap_servers": bootstrap}
    session = aioboto3.Session()
    tuned = open_client(session, None, StoreConfig())
    client = tuned if is_tuned else session.client("s3", config=AioConfig(max_pool_connections=50))
    consumer = AIOKafkaConsumer(
        topic, group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=100, **kafka
    )
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **kafka)
    decoding = make_decoder(Settings()) if decodes else contextlib.nullcontext()
    async with client as s3, producer, consumer, decoding as decoder:
        loop = RawLoop(s3, producer, topic, environment["STENO_S3__RESULTS"], decoder)
        consuming = asyncio.create_task(consume(loop, consumer, int(environment["STENO_ENGINE__SLOTS"]) + 1))
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait({consuming, ending}, return_when=asyncio.FIRST_COMPLETED)
        consuming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await consuming


if __name__ == "__main__":
    asyncio.run(run(dict(os.environ), sys.argv))
