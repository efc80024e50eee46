"""Real workers of one deployment, and what a person outside can see of them: health, events, files."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aioboto3
import aiohttp
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient

from contracts.events import Event, OutcomeEvent, parse_event
from tests.e2e.topic_reading import read_topic
from tests.e2e.worker_process import WorkerProcess
from tests.stack.store import S3Address
from tests.waiting import until

_START_S: Final = 60.0


@dataclass
class Deployment:
    """Topics, buckets and settings of one test, and the workers that it started."""

    bootstrap: str
    address: S3Address
    prefix: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    workers: list[WorkerProcess] = field(default_factory=list)
    delays_ms: tuple[int, ...] = (300,)
    """Of retries."""

    @property
    def requests(self) -> str:
        """The requests topic."""
        return f"{self.prefix}.requests"

    @property
    def results(self) -> str:
        """The topic of outcomes."""
        return f"{self.prefix}.results"

    @property
    def dead_letters(self) -> str:
        """The dead-letter topic."""
        return f"{self.prefix}.requests-dlt"

    @property
    def retry_topics(self) -> tuple[str, ...]:
        """The topics in which failed requests wait."""
        return tuple(f"{self.requests}-retry-{delay_ms}" for delay_ms in self.delays_ms)

    @property
    def topics(self) -> tuple[str, ...]:
        """All that a worker needs."""
        return (self.requests, self.results, f"{self.prefix}.progress", *self.retry_topics, self.dead_letters)

    @property
    def output(self) -> str:
        """Where results go."""
        return f"s3://{self.prefix}/results/"

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a worker sees: our environment, with this deployment's settings and store in place of any others."""
        return {
            **{name: text for name, text in os.environ.items() if not name.startswith(("STENO_", "AWS_"))},
            **self.address.environment(),
            "STENO_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "STENO_KAFKA__GROUP_ID": self.prefix,
            "STENO_TOPICS__REQUESTS": self.requests,
            "STENO_RETRY__DELAYS_MS": ",".join(map(str, self.delays_ms)) or "none",
            "STENO_S3__RESULTS": self.output,
            "STENO_S3__UPLOADS": f"s3://{self.prefix}/uploads/",
            "STENO_ENGINE__MODEL": "tiny.en",
            "STENO_HEALTH__PORT": "0",
            "STENO_SHARING__ENABLED": "false",  # jobs on one clip stand for jobs of different content
            **self.settings,
            **(changes or {}),
        }

    async def start_worker(self, **changes: str) -> WorkerProcess:
        """Starts a worker and waits until it is ready."""
        worker = self.launch_worker(**changes)
        await until(lambda: worker.process.poll() is not None or bool(worker.events("worker_started")), "a worker")
        assert worker.process.poll() is None, worker.log_path.read_text()
        await until(lambda: self.is_ready(worker), "readiness", within_s=_START_S)
        return worker

    def launch_worker(self, **changes: str) -> WorkerProcess:
        """Starts a worker and waits for nothing."""
        return self.launch("consumer", "worker", **changes)

    def launch(self, module: str, *arguments: str, **changes: str) -> WorkerProcess:
        """Starts a module as a worker, with a worker's settings."""
        name = f"worker-{len(self.workers) + 1}"
        log_path = self.folder / f"{name}.log"
        command = [sys.executable, "-m", module, *arguments]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self.environment({"STENO_WORKER__ID": name, **changes}),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        worker = WorkerProcess(process, log_path)
        self.workers.append(worker)
        return worker

    async def is_ready(self, worker: WorkerProcess) -> bool:
        """Whether a worker says that it takes work."""
        return (await self.health(worker, "/readyz"))[0] == HTTPStatus.OK

    async def health(self, worker: WorkerProcess, path: str) -> tuple[int, dict[str, Any]]:
        """Status and document of a health endpoint."""
        port = worker.events("health_listening")[0]["port"]
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            return response.status, await response.json()

    @asynccontextmanager
    async def objects(self) -> AsyncIterator[Any]:
        """A plain S3 client."""
        session = aioboto3.Session(self.address.access_key, self.address.secret_key, region_name=self.address.region)
        async with session.client("s3", endpoint_url=self.address.endpoint) as client:
            yield client

    async def upload(self, path: Path, name: str | None = None) -> str:
        """Puts a file into the bucket; returns its URI."""
        key = f"media/{name or path.name}"
        async with self.objects() as client:
            await client.put_object(Bucket=self.prefix, Key=key, Body=await asyncio.to_thread(path.read_bytes))
        return f"s3://{self.prefix}/{key}"

    async def files(self, job_id: str) -> dict[str, bytes]:
        """The result set of a job, by file name."""
        async with self.objects() as client:
            listed = await client.list_objects_v2(Bucket=self.prefix, Prefix=f"results/{job_id}/")
            keys = [entry["Key"] for entry in listed.get("Contents", [])]
            bodies = [await (await client.get_object(Bucket=self.prefix, Key=key))["Body"].read() for key in keys]
        return {key.rpartition("/")[2]: body for key, body in zip(keys, bodies, strict=True)}

    async def publish(self, *values: bytes | dict[str, Any] | None, partition: int | None = None) -> None:
        """Publishes requests, or raw bytes, with a plain client."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, enable_idempotence=True)
        await producer.start()
        try:
            for value in values:
                raw = json.dumps(value).encode() if isinstance(value, dict) else value
                key = str(value.get("job_id", "")).encode() if isinstance(value, dict) else b"raw"
                await producer.send_and_wait(
                    self.requests, raw, key=key, partition=partition, headers=[("traceparent", _TRACEPARENT)]
                )
        finally:
            await producer.stop()

    async def read(self, topic: str, count: int, *, within_s: float = 120.0) -> list[ConsumerRecord[bytes, bytes]]:
        """All records of a topic, once there are at least so many."""
        return await read_topic(self.bootstrap, topic, count, within_s=within_s)

    async def outcomes(self, count: int, *, within_s: float = 120.0) -> list[Event]:
        """All outcome events, repeated ones too, once there are at least so many distinct ones."""
        found: list[Event] = []
        deadline = asyncio.get_running_loop().time() + within_s
        wanted = count
        while len({event.id for event in found}) < count:
            left = deadline - asyncio.get_running_loop().time()
            records = await self.read(self.results, wanted, within_s=left)
            found = [parse_event(record.headers, record.value) for record in records]
            wanted = len(found) + 1
        return found

    async def committed(self) -> dict[int, int]:
        """The group's committed offset by partition of the requests topic; those without one are left out."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.prefix)
        finally:
            await admin.close()
        return {
            partition.partition: found.offset
            for partition, found in offsets.items()
            if partition.topic == self.requests and found.offset >= 0
        }

    async def close(self) -> None:
        """Ends every worker that still runs."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)
                worker.process.kill()
            await worker.ended()


_TRACEPARENT: Final = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def data_of(event: Event) -> OutcomeEvent:
    """The value of an outcome event."""
    assert isinstance(event.data, OutcomeEvent)
    return event.data
