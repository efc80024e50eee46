"""A worker with every port a fake, for tests of what it does with deliveries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from consumer.attempts import Attempts, AttemptsConfig, Partners
from consumer.cancellation import Cancellations
from consumer.core.admission import AdmissionRules
from consumer.core.brake import Brake, BrakeConfig
from consumer.core.deadletters import DeadLetterOffice
from consumer.core.failures import OutageError
from consumer.core.intake.readings import IntakeRules
from consumer.core.ladder import Ladder
from consumer.custody import Custody
from consumer.gates import Waiting
from consumer.handler import Handler, HandlerConfig
from consumer.lease import Clocks, LeaseConfig
from consumer.leases import Leases
from consumer.outlasting import HeededEngine, PatientStore
from consumer.patience import Patience
from consumer.progress import ProgressReporter
from consumer.scratch import Scratch, ScratchConfig
from consumer.settlement import Settlement
from consumer.sharing import Sharing, SharingConfig
from consumer.shutdown import Shutdown
from consumer.statuses import Statuses
from consumer.worker import Worker, WorkerConfig
from contracts.errors import ErrorCode
from contracts.events import Event, Kind, OutcomeEvent, parse_event
from contracts.transcript import ModelIdentity
from tests.fakes.broker import FakeBroker
from tests.fakes.engine import FakeDecoder, FakeEngine
from tests.fakes.meter import FakeMeter
from tests.fakes.sink import FakeSink
from tests.fakes.source import FakeSource
from tests.fakes.store import FakeStore
from tests.make import EMITTER, NOW, OUTPUT
from tests.waiting import until

AWAY = OutageError(ErrorCode.BROKER_UNAVAILABLE, "away")
MEDIA = "s3://media/a.mp3"
STATE = f"{OUTPUT}.steno/"
MODELS = {"base": ModelIdentity(name="base", sha256="ab")}
"""What the fake engine says that it used."""
_SLOTS = 2
_ALL_DUE_S = 24 * 3600.0
"""Retries wait no longer than a day, so that here they are due at once."""


@dataclass
class Bench:
    """A worker with fakes around it."""

    folder: Path
    broker: FakeBroker = field(default_factory=FakeBroker)
    store: FakeStore = field(default_factory=FakeStore)
    engine: FakeEngine = field(default_factory=FakeEngine)
    meter: FakeMeter = field(default_factory=FakeMeter)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    pauses: list[float] = field(default_factory=list)
    may_wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, pauses have no end."""
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep
    """How to wait for jobs that others have, and between looks for a cancellation."""
    now: datetime = NOW
    """By the clock that deadlines are held against."""
    shares: bool = False
    """Whether jobs of the same content share a transcription; all jobs here have one."""
    shutdown: Shutdown = field(default_factory=Shutdown)
    grace_s: float = 10.0
    brake: BrakeConfig = field(default_factory=BrakeConfig)
    intake: IntakeRules = field(default_factory=lambda: IntakeRules(own_prefixes=(OUTPUT,)))
    ladder: Ladder = field(default_factory=lambda: Ladder("requests", ()))

    def __post_init__(self) -> None:
        self.may_wake.set()
        for topic in ("requests", "results", "progress", "dlt", *self.ladder.topics):
            self.broker.make_topic(topic, partitions=1)
        self.sink = FakeSink(self.broker)
        self.source = FakeSource(
            self.broker, "requests", delays_ms=self.ladder.topics, clock=lambda: NOW.timestamp() + _ALL_DUE_S
        )
        self.store.put(MEDIA, b"hello")
        self.scratch = Scratch(ScratchConfig(self.folder))

    def request(self, job_id: str, **fields: Any) -> None:
        document = {"job_id": job_id, "input": {"uri": MEDIA}, **fields}
        self.broker.append("requests", job_id.encode(), json.dumps(document).encode())

    @property
    def outcomes(self) -> list[Event]:
        return [parse_event(record.headers, record.value) for record in self.broker.records("results")]

    @property
    def ends(self) -> dict[str | None, Kind]:
        data = [event.data for event in self.outcomes]
        return {each.job_id: each.outcome for each in data if isinstance(each, OutcomeEvent)}

    @property
    def committed(self) -> int:
        return self.broker.groups["group"].committed.get(("requests", 0), 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """A worker at work; drained at the end, unless the test has done so."""
        async with self.source, self.sink:
            task = asyncio.create_task(self._worker().run(self.shutdown))
            yield task
            self.shutdown.request()
            await asyncio.wait((task,))

    def _worker(self) -> Worker:
        self.patience = patience = Patience(Waiting(sleep=self._sleep, jitter=lambda: 0.0))
        office = DeadLetterOffice("dlt", "group", "gpu-3")
        progress = ProgressReporter(self.sink, EMITTER, now=lambda: NOW, is_enabled=True)
        self.settlement = Settlement(
            self.sink, patience, emitter=EMITTER, office=office, brake=Brake(self.brake), now=lambda: NOW
        )
        handler, custody = self._custody(patience)
        partners = Partners(
            handler,
            custody,
            self.settlement,
            Statuses(self.store, STATE, worker="gpu-3", now=lambda: NOW),
            progress,
            patience,
        )
        self.attempts = Attempts(
            partners, meter=self.meter, config=AttemptsConfig(OUTPUT, self.ladder, now=lambda: NOW)
        )
        limits = WorkerConfig(slots=_SLOTS, grace_s=self.grace_s, intake=self.intake)
        self.worker = Worker(
            self.source, self.attempts, progress, scratch=self.scratch, patience=patience, config=limits
        )
        return self.worker

    def _custody(self, patience: Patience) -> tuple[Handler, Custody]:
        config = HandlerConfig(worker="gpu-3", rules=AdmissionRules((), (OUTPUT,), STATE, max_bytes=1000))
        store = PatientStore(self.store, patience)
        handler = Handler(
            store, self.decoder, HeededEngine(self.engine, patience), self.scratch, config=config, now=lambda: NOW
        )
        self.leases = Leases(self.store, store, config=LeaseConfig(STATE, "gpu-3"), clocks=Clocks(sleep=self.rest))
        sharing = Sharing(
            store,
            self.leases,
            config=SharingConfig(STATE, "gpu-3", "base", MODELS, is_enabled=self.shares),
            now=lambda: NOW,
        )
        cancellations = Cancellations(self.store, STATE, now=lambda: NOW)
        custody = Custody(handler, self.leases, cancellations, sharing, now=lambda: self.now, sleep=self.rest)
        return handler, custody

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)
        await self.may_wake.wait()

    async def fills_its_slots(self) -> None:
        """Lets the loop turn until both slots are taken, and on: no third job runs."""
        await until(lambda: self.engine.running == _SLOTS, "both slots", every_s=0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert self.engine.running == _SLOTS

    async def settled(self, count: int) -> None:
        """Lets the loop turn until so many offsets are committed."""
        await until(lambda: self.committed >= count, "the commit", every_s=0)


def code_of(event: Event) -> str | None:
    """The error code of an outcome event."""
    assert isinstance(event.data, OutcomeEvent)
    return event.data.error.code if event.data.error else None
