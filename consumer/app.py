"""The composition root: the only place that knows the settings and the concrete adapters."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from consumer.adapters.health import HealthServer
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.adapters.kafka.topics import require_topics
from consumer.adapters.s3_store import S3Store, probe_conditional_writes
from consumer.adapters.telemetry import configure_logging
from consumer.core.admission import AdmissionRules
from consumer.core.deadletters import DeadLetterOffice
from consumer.core.events import Emitter
from consumer.core.failures import ExitCode, FatalError
from consumer.engine.config import Backend, EngineConfig, ModelSpec
from consumer.engine.supervisor import ProcessEngine
from consumer.handler import Handler, HandlerConfig
from consumer.local import LocalTranscriber
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from consumer.models.catalog import WEIGHTS
from consumer.models.fetching import find_model
from consumer.models.hub import OnBytes
from consumer.patience import Patience
from consumer.progress import ProgressReporter
from consumer.settings import EngineKind, LogFormat, LogLevel, Settings
from consumer.settlement import Settlement
from consumer.worker import Shutdown, Worker, WorkerConfig
from contracts.transcript import ModelIdentity

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
        settings: which model, where.
        on_bytes: hears, in a thread of its own, of the bytes of weights that have to be fetched, there and in all.

    Raises:
        FatalError: the model cannot be had or loaded.
    """
    configure_logging(as_json=False, level=LogLevel.ERROR)
    async with _open_decoder(settings) as decoder, await _make_engine(settings, on_bytes) as engine:
        at_once = engine.slots + _DECODED_AHEAD
        yield LocalTranscriber(decoder, engine, max_bytes=settings.media.max_bytes, at_once=at_once, now=_now)


@asynccontextmanager
async def _open_worker(settings: Settings, shutdown: Shutdown) -> AsyncIterator[Worker]:
    """Opens everything in the order of what costs least to fail, the group last; closes in reverse."""
    _check_scratch(settings.scratch.dir)
    async with AsyncExitStack() as stack:
        ready: dict[str, Callable[[], bool]] = {
            "model_loaded": lambda: False,
            "group_joined": lambda: False,
            "accepting": lambda: not shutdown.drain.is_set(),
        }
        told: dict[str, Callable[[], object]] = {}
        health = HealthServer(
            settings.health.host, settings.health.port, live={}, ready=ready,
            facts=lambda: {name: tell() for name, tell in told.items()},
        )  # fmt: skip
        await stack.enter_async_context(health)
        log.info("health_listening", host=settings.health.host, port=health.port)
        store = await stack.enter_async_context(S3Store())
        await probe_conditional_writes(store, settings.s3.state_prefix, settings.worker.id)
        await require_topics(settings.kafka.bootstrap_servers, _topics(settings))
        sink = await stack.enter_async_context(KafkaSink(_sink_config(settings)))
        decoder = await stack.enter_async_context(_open_decoder(settings))
        for name in settings.models.preload:
            await _find_model(name, settings)
        engine = await stack.enter_async_context(await _make_engine(settings))
        ready["model_loaded"] = lambda: engine.is_ready
        told["engine"] = lambda: asdict(engine.status)
        source = await stack.enter_async_context(KafkaSource(_source_config(settings)))
        ready["group_joined"] = lambda: source.is_ready
        emitter = Emitter(
            worker=settings.worker.id,
            deployment=settings.worker.deployment,
            results_topic=settings.topics.results,
            progress_topic=settings.topics.progress,
        )
        office = DeadLetterOffice(settings.topics.dlt, settings.kafka.group_id, settings.worker.id)
        patience = Patience()
        yield Worker(
            source,
            Handler(store, decoder, engine, config=_handler_config(settings), now=_now),
            Settlement(source, sink, patience, emitter=emitter, office=office, now=_now),
            ProgressReporter(sink, emitter, now=_now, is_enabled=settings.topics.publish_progress),
            patience,
            config=WorkerConfig(
                slots=engine.slots + _DECODED_AHEAD,
                grace_s=settings.shutdown.grace_s,
                default_output=settings.s3.results,
            ),
        )


def _handler_config(settings: Settings) -> HandlerConfig:
    s3 = settings.s3
    rules = AdmissionRules(s3.allowed_inputs, s3.allowed_outputs, s3.state_prefix, settings.media.max_bytes)
    return HandlerConfig(worker=settings.worker.id, scratch_dir=settings.scratch.dir, rules=rules)


def _topics(settings: Settings) -> list[str]:
    topics = settings.topics
    return [topics.requests, topics.results, topics.dlt, *([topics.progress] if topics.publish_progress else [])]


def _source_config(settings: Settings) -> SourceConfig:
    return SourceConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        group_id=settings.kafka.group_id,
        topic=settings.topics.requests,
        client_id=settings.worker.id,
    )


def _sink_config(settings: Settings) -> SinkConfig:
    return SinkConfig(bootstrap_servers=settings.kafka.bootstrap_servers, client_id=settings.worker.id)


def _open_decoder(settings: Settings) -> ProcessDecoder:
    media = settings.media
    return ProcessDecoder(
        DecodeLimits(
            max_duration_s=media.max_duration_s,
            timeout_s=media.decode_timeout_s,
            memory_bytes=media.decode_memory_bytes,
            min_duration_s=media.min_duration_s,
            max_streams=media.max_streams,
            max_channels=media.max_channels,
            max_tracks=media.max_tracks,
            min_sample_rate_hz=media.min_sample_rate_hz,
            max_sample_rate_hz=media.max_sample_rate_hz,
            min_decoded_share=media.min_decoded_share,
        )
    )


async def _make_engine(settings: Settings, on_bytes: OnBytes | None = None) -> ProcessEngine:
    """Finds the weights; the engine still has to be opened."""
    engine = settings.engine
    names = dict.fromkeys((engine.model, *settings.models.allowed))
    return ProcessEngine(
        EngineConfig(
            models=tuple([await _find_model(name, settings, on_bytes) for name in names]),
            backend=Backend(engine.kind),
            device=engine.device,
            compute_type=engine.compute_type,
            slots=engine.slots,
            cpu_threads=engine.cpu_threads,
            job_timeout_s=engine.job_timeout_s,
            timeout_ratio=engine.timeout_ratio,
            models_bytes=engine.models_bytes,
            recycle_jobs=engine.recycle_jobs,
            recycle_rss_bytes=engine.recycle_rss_bytes,
            max_rss_bytes=engine.max_rss_bytes,
            fake_switches=engine.fake_switches,
        )
    )


async def _find_model(name: str, settings: Settings, on_bytes: OnBytes | None = None) -> ModelSpec:
    if settings.engine.kind is EngineKind.FAKE:
        return ModelSpec(name, Path(), ModelIdentity(name=name), size_bytes=0)
    models = settings.models
    located = await find_model(name, models.dir, is_offline=models.offline, on_bytes=on_bytes)
    return ModelSpec(name, located.path, located.identity, (located.path / WEIGHTS).stat().st_size)


def _check_scratch(folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as exc:
        text = f"STENO_SCRATCH__DIR: no file can be made in {folder} ({exc.strerror}); name a folder that is writable"
        raise FatalError(ExitCode.BAD_SETTINGS, text) from exc


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
