"""The composition root: only here, in `parts` and in `exposure` settings and concrete adapters are known."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from consumer import exposure, parts
from consumer.adapters.health import HealthServer
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.kafka.topics import require_topics
from consumer.adapters.metrics import Metrics
from consumer.adapters.s3_store import S3Store, probe_conditional_writes
from consumer.adapters.telemetry import configure_logging
from consumer.assembly import OpenParts, make_worker
from consumer.engine.supervisor import ProcessEngine
from consumer.local import LocalTranscriber
from consumer.media.decoder import ProcessDecoder
from consumer.models.hub import OnBytes
from consumer.scratch import require_scratch
from consumer.settings import LogFormat, LogLevel, Settings
from consumer.shutdown import Shutdown
from consumer.worker import Worker

_DECODED_AHEAD: Final = 1
"""While the engine's slots are busy, the next delivery is fetched and decoded."""

log = structlog.get_logger(__name__)


async def run_worker(settings: Settings) -> None:
    """Runs a worker until SIGTERM or SIGINT; a second signal hurries it.

    Raises:
        FatalError: the start failed, or the worker cannot go on.
    """
    configure_logging(
        as_json=settings.log.format is LogFormat.JSON, level=settings.log.level, worker=settings.worker.id
    )
    shutdown = Shutdown()
    with _signals(shutdown.request):
        async with AsyncExitStack() as stack:
            worker = await _unless_asked_to_end(shutdown, stack.enter_async_context(_open_worker(settings, shutdown)))
            if worker is not None:
                log.info("worker_started", topic=settings.topics.requests, model=settings.engine.model)
                await worker.run(shutdown)
        log.info("worker_stopped")


@asynccontextmanager
async def open_transcriber(settings: Settings, on_bytes: OnBytes) -> AsyncIterator[LocalTranscriber]:
    """Decoder and engine for files of this machine; closed at the end.

    Args:
        settings: which model, where; log lines are written if their level is `debug`.
        on_bytes: hears, in a thread of its own, of the bytes of weights that have to be fetched, there and in all.

    Raises:
        FatalError: the model cannot be had or loaded.
    """
    is_debugging = settings.log.level is LogLevel.DEBUG
    # Whatever fails is told once, with its input: a log line beside it would tell it twice.
    configure_logging(as_json=False, level=settings.log.level if is_debugging else "critical")
    async with parts.make_decoder(settings) as decoder, await parts.make_engine(settings, on_bytes) as engine:
        at_once = engine.slots + _DECODED_AHEAD
        yield LocalTranscriber(
            decoder, engine, max_bytes=settings.media.max_bytes, at_once=at_once, now=_now, notice=_notice(engine)
        )


def _notice(engine: ProcessEngine) -> str | None:
    choose = "STENO_ENGINE__DEVICE and STENO_ENGINE__COMPUTE_TYPE choose"
    return f"running on {engine.status.device}: {engine.notice}; {choose}" if engine.notice else None


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the health endpoints tell of each part that is open."""

    ready: dict[str, Callable[[], bool]]
    live: dict[str, Callable[[], bool]]
    metrics: Metrics
    facts: dict[str, Callable[[], object]] = field(default_factory=dict)

    def tell(self) -> dict[str, object]:
        """Every fact of now."""
        return {name: tell() for name, tell in self.facts.items()}


@asynccontextmanager
async def _open_worker(settings: Settings, shutdown: Shutdown) -> AsyncIterator[Worker]:
    """Opens everything in the order of what costs least to fail, the group last; closes in reverse."""
    if short := require_scratch(parts.scratch_config(settings)):
        log.warning("scratch_is_short", reason=short)
    async with AsyncExitStack() as stack:
        answers = await _open_health(settings, shutdown, stack)
        worker = make_worker(
            settings,
            OpenParts(
                store=await _open_store(settings, stack),
                sink=await _open_sink(settings, stack),
                decoder=await _open_decoder(settings, stack),
                engine=await _open_engine(settings, answers, stack),
                source=await _open_source(settings, answers, stack),
            ),
            answers.metrics,
            stack,
        )
        answers.facts.update(
            draining=shutdown.drain.is_set,
            in_flight=lambda: worker.in_flight,
            ignored=lambda: dict(worker.ignored),
            waits_for_scratch=lambda: worker.waits_for_scratch,
            outages=lambda: worker.outages,
        )
        yield worker


async def _open_health(settings: Settings, shutdown: Shutdown, stack: AsyncExitStack) -> _Answers:
    """Answers from the start on, so that probes see a worker that loads as one that lives."""
    answers = _Answers(
        ready={
            "model_loaded": lambda: False,
            "group_joined": lambda: False,
            "accepting": lambda: not shutdown.drain.is_set(),
        },
        live={},
        metrics=Metrics(),
    )
    exposure.expose_readiness(answers.metrics, answers.ready)
    host, port = settings.health.host, settings.health.port
    server = HealthServer(
        host, port, live=answers.live, ready=answers.ready, facts=answers.tell, metrics=answers.metrics.page
    )
    health = await stack.enter_async_context(server)
    log.info("health_listening", host=host, port=health.port)
    return answers


async def _open_store(settings: Settings, stack: AsyncExitStack) -> S3Store:
    store = await stack.enter_async_context(S3Store(config=parts.store_config(settings)))
    await probe_conditional_writes(store, settings.s3.state_prefix, settings.worker.id)
    return store


async def _open_sink(settings: Settings, stack: AsyncExitStack) -> KafkaSink:
    await require_topics(settings.kafka.bootstrap_servers, parts.required_topics(settings), settings.kafka)
    return await stack.enter_async_context(KafkaSink(parts.sink_config(settings)))


async def _open_decoder(settings: Settings, stack: AsyncExitStack) -> ProcessDecoder:
    decoder = await stack.enter_async_context(parts.make_decoder(settings))
    if lacking := [name for name, holds in decoder.protections.items() if not holds]:
        log.warning("decoder_lacks_protections", lacking=lacking, advice="'steno doctor' tells what they want")
    return decoder


async def _open_engine(settings: Settings, answers: _Answers, stack: AsyncExitStack) -> ProcessEngine:
    await parts.require_device(settings)
    await parts.preload(settings)
    made = await parts.make_engine(settings, is_forced=settings.models.preload_force)
    engine = await stack.enter_async_context(made)
    answers.live["engine_supervised"] = lambda: engine.is_supervised
    answers.ready["model_loaded"] = lambda: engine.is_ready
    answers.facts["engine"] = lambda: asdict(engine.status)
    exposure.expose_engine(answers.metrics, engine)
    return engine


async def _open_source(settings: Settings, answers: _Answers, stack: AsyncExitStack) -> KafkaSource:
    source = await stack.enter_async_context(KafkaSource(parts.source_config(settings)))
    answers.ready["group_joined"] = lambda: source.is_ready
    exposure.expose_source(answers.metrics, source)
    return source


@contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    asked = (signal.SIGTERM, signal.SIGINT)
    for number in asked:
        loop.add_signal_handler(number, ask)
    try:
        yield
    finally:
        for number in asked:
            loop.remove_signal_handler(number)


async def _unless_asked_to_end(shutdown: Shutdown, opening: Coroutine[None, None, Worker]) -> Worker | None:
    """The opened worker, or None when the end was asked for before it was open; then what was opened is closed."""
    started = asyncio.create_task(opening)
    asked = asyncio.create_task(shutdown.drain.wait())
    await asyncio.wait((started, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if started.done():
        return started.result()
    started.cancel()
    await asyncio.wait((started,))
    return None


def _now() -> datetime:
    return datetime.now(UTC)
