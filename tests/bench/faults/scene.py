"""Where one fault plays: a deployment of its own, the jobs sent to it, and what the fault did to it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from consumer.settings.broker import KafkaSettings
from contracts.events import Kind
from tests import speech
from tests.bench.faults.evidence import Blow, Seen, Sent
from tests.bench.faults.results import partitions_of
from tests.bench.faults.watch import Watch
from tests.e2e.fleet import Deployment
from tests.e2e.worker_process import WorkerProcess
from tests.processes import command_of
from tests.proxy.kafka import KafkaRelay
from tests.proxy.s3 import PASS, Rule, S3Call, S3Relay, Treatment
from tests.stack.broker import Broker
from tests.waiting import until

CLIPS: Final = tuple(clip for clip in speech.CLIPS if clip.seconds < 10)
ROOT: Final = Path(__file__).parents[3]
LONG_EVERY: Final = 25
LONG_FIRST: Final = 8
LONG_S: Final = 6.0
SHORT_S: Final = 0.2
SESSION_S: Final = KafkaSettings().session_timeout_ms / 1000
_LARGEST_BYTES: Final = 4 * 1024**2
READY_S: Final = 60.0
SOON_S: Final = 120.0
DONE_S: Final = 300.0
ENGINE: Final = "consumer.engine.runtime"


def name_of(number: int) -> str:
    """A job's id."""
    return f"job-{number:04}"


def is_long(name: str) -> bool:
    """Whether the job takes seconds, so that a fault finds it at work."""
    return int(name.rpartition("-")[2]) % LONG_EVERY == LONG_FIRST


@dataclass
class Scene:
    """One fault's stage; the fault's function acts on it."""

    deployment: Deployment
    kafka: Broker
    watch: Watch
    store_proxy: S3Relay
    kafka_proxy: KafkaRelay
    jobs: int
    clips: Mapping[str, str] = field(default_factory=dict)
    """URIs of recordings by name."""
    sent: list[Sent] = field(default_factory=list)
    clip_of: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """What stands in each place."""
    blows: list[Blow] = field(default_factory=list)
    strikes: int = 0
    gone: list[WorkerProcess] = field(default_factory=list)
    """Workers that we killed, so that they have no exit code to speak of."""
    remarks: list[str] = field(default_factory=list)

    def request(self, number: int, **fields: Any) -> dict[str, Any]:
        """A job on one of the recordings; noted as to be completed."""
        name, clip = name_of(number), CLIPS[number % len(CLIPS)].name
        self.sent.append(Sent(name))
        self.clip_of[name] = clip
        words = f"{name} fake:slow={LONG_S}" if is_long(name) else name  # none shares another one's transcription
        return {"job_id": name, "input": {"uri": self.clips[clip]}, "options": {"hotwords": words}, **fields}

    async def send(self, count: int | None = None) -> None:
        """Publishes the jobs, or so many of them."""
        await self.publish([self.request(number) for number in range(count or self.jobs)])

    async def publish(self, values: Sequence[bytes | dict[str, Any] | None], partition: int | None = None) -> list[str]:
        """Publishes requests, or raw bytes, at once; returns where each one stands."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.deployment.bootstrap,
            linger_ms=5,
            compression_type="gzip",  # so that a mebibyte of nonsense fits the topic
            max_request_size=_LARGEST_BYTES,
        ) as producer:
            sending = []
            for value in values:
                raw = json.dumps(value).encode() if isinstance(value, dict) else value
                key = value["job_id"].encode() if isinstance(value, dict) else b"raw"
                sending.append(await producer.send(self.deployment.requests, raw, key=key, partition=partition))
            places = [f"{each.topic}/{each.partition}/{each.offset}" for each in await asyncio.gather(*sending)]
        for place, value in zip(places, values, strict=True):
            self.names[place] = value["job_id"] if isinstance(value, dict) else place
        return places

    async def fleet(self, count: int = 2, **changes: str) -> list[WorkerProcess]:
        """Starts workers and waits until they are ready."""
        workers = [self.deployment.launch_worker(**changes) for _ in range(count)]
        await asyncio.gather(*map(self.ready, workers))
        return workers

    async def launch(self, module: str, **changes: str) -> WorkerProcess:
        """Starts a worker by way of a module of the tests, and waits until it is ready."""
        worker = self.deployment.launch(module, "worker", PYTHONPATH=str(ROOT), **changes)
        await self.ready(worker)
        return worker

    async def ready(self, worker: WorkerProcess) -> None:
        """Waits until a worker takes work."""
        await until(
            lambda: worker.process.poll() is not None or bool(worker.events("worker_started")), within_s=READY_S
        )
        assert worker.process.poll() is None, worker.log_path.read_text()[-2000:]
        await until(lambda: self.deployment.is_ready(worker), "readiness", within_s=READY_S, every_s=0.2)

    def id_of(self, worker: WorkerProcess) -> str:
        """How a worker calls itself in events."""
        return f"worker-{self.deployment.workers.index(worker) + 1}"

    def worker_of(self, seen: Seen) -> WorkerProcess:
        """Who said so."""
        return self.deployment.workers[int(seen.worker.rpartition("-")[2]) - 1]

    async def midway(self, share: float = 0.2) -> None:
        """Waits until that share of the jobs has ended and others are under way."""
        wanted = self.jobs * share
        await until(lambda: len(self.watch.ended) >= wanted, "the first outcomes", within_s=SOON_S)
        await until(lambda: bool(self.watch.in_flight()), "jobs in flight", within_s=SOON_S)

    async def busy(self, worker: WorkerProcess) -> None:
        """Waits until a worker has a job in flight, if any are left."""
        name = self.id_of(worker)
        await until(lambda: self.is_done or bool(self.watch.in_flight(name)), "jobs in flight", within_s=SOON_S)

    async def at_work(self) -> WorkerProcess:
        """A worker in the midst of a long job."""
        found: list[Seen] = []

        def is_at_work() -> bool:
            found[:] = [seen for seen in self.watch.in_flight() if is_long(seen.name) and self._lives(seen)]
            return bool(found)

        await until(is_at_work, "a long job in flight", within_s=SOON_S)
        await asyncio.sleep(0.5)  # it is fetched, decoded, and in the engine
        return self.worker_of(found[-1])

    def _lives(self, seen: Seen) -> bool:
        return self.worker_of(seen).process.poll() is None

    def struck(
        self,
        at_s: float | None = None,
        victim: WorkerProcess | None = None,
        *,
        over_s: float | None = None,
        is_fatal: bool = False,
        partitions: frozenset[str] = frozenset(),
    ) -> None:
        """Notes that the fault took place; it began now and is over now, unless said otherwise."""
        now_s = time.monotonic()
        name = self.id_of(victim) if victim else None
        begun_s, ended_s = (now_s if at_s is None else at_s), (now_s if over_s is None else over_s)
        self.blows.append(Blow(begun_s, ended_s, name, is_fatal, partitions))
        self.strikes += 1

    def expect(self, name: str, end: str) -> None:
        """Corrects the end that a job has to come to."""
        self.sent = [Sent(name, end) if sent.name == name else sent for sent in self.sent]

    @property
    def is_done(self) -> bool:
        """Whether every job has ended."""
        return {sent.name for sent in self.sent} <= self.watch.ended

    async def done(self) -> None:
        """Waits until every job has ended."""
        await until(lambda: self.is_done, "all ends", within_s=DONE_S, every_s=0.1)

    def counted(self, rule: Rule) -> Rule:
        """The same rule; what it does not let pass is a strike."""

        def count(call: S3Call) -> Treatment:
            treatment = rule(call)
            self.strikes += treatment is not PASS
            return treatment

        return count

    async def upload(self, name: str, body: bytes) -> str:
        """Puts an object; returns its URI."""
        path = self.deployment.folder / name
        path.write_bytes(body)
        return await self.deployment.upload(path)

    async def leave(self, worker: WorkerProcess) -> None:
        """Asks a worker to stop and waits until it has."""
        self.struck(victim=worker)
        worker.signal(signal.SIGTERM)
        await worker.ended()

    async def kill(self, worker: WorkerProcess) -> None:
        """Ends a worker as `kill -9` does; its children go with it."""
        partitions = await partitions_of(self.deployment, self.id_of(worker))
        self.struck(victim=worker, is_fatal=True, partitions=partitions)
        worker.signal(signal.SIGKILL)
        self.gone.append(worker)
        await worker.ended()

    def engine_of(self, worker: WorkerProcess) -> int:
        """The id of a worker's engine process."""
        return next(pid for pid in worker.descendants if ENGINE in command_of(pid))

    @property
    def transcribed(self) -> list[str]:
        """Jobs that workers say to have settled with a transcription of their own."""
        lines = [line for worker in self.deployment.workers for line in worker.events("job_settled")]
        return [line["job_id"] for line in lines if line["outcome"] == Kind.COMPLETED and not line["is_repeat"]]

    @property
    def living(self) -> list[WorkerProcess]:
        """Workers that have not ended."""
        return [worker for worker in self.deployment.workers if worker.process.poll() is None]


async def init_topics(deployment: Deployment) -> None:
    """Makes the topics, as an operator does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "topics", "init",
        env=deployment.environment(), cwd=deployment.folder, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0, "steno topics init"
