"""The parts of a worker as the settings want them, still to be opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.sink import SinkConfig
from consumer.adapters.kafka.source import SourceConfig
from consumer.adapters.s3_store import OwnPlaces, StoreConfig
from consumer.core.admission import AdmissionRules
from consumer.core.brake import BrakeConfig
from consumer.core.deadletters import DeadLetterOffice
from consumer.core.events import Emitter
from consumer.core.failures import FatalError
from consumer.core.intake.readings import IntakeRules
from consumer.core.leases import LeaseTerms
from consumer.core.outages import Dependency
from consumer.engine.config import Backend, EngineConfig, ModelSpec
from consumer.engine.launch import MisfitError, StartError, try_device
from consumer.engine.supervisor import ProcessEngine
from consumer.handler import HandlerConfig
from consumer.lease import LeaseConfig
from consumer.media.decoder import ProcessDecoder
from consumer.media.limits import DecodeLimits
from consumer.models.catalog import WEIGHTS
from consumer.models.fetching import find_model
from consumer.models.hub import OnBytes
from consumer.scratch import ScratchConfig
from consumer.settings import EngineKind, Settings
from consumer.sharing import SharingConfig
from contracts.requests import split_s3_uri
from contracts.transcript import ModelIdentity


def make_emitter(settings: Settings) -> Emitter:
    """Writes events in this worker's name."""
    return Emitter(
        worker=settings.worker.id,
        deployment=settings.worker.deployment,
        results_topic=settings.topics.results,
        progress_topic=settings.topics.progress,
    )


def make_office(settings: Settings) -> DeadLetterOffice:
    """Writes dead letters in this worker's name."""
    return DeadLetterOffice(settings.topics.dlt, settings.kafka.group_id, settings.worker.id)


def handler_config(settings: Settings) -> HandlerConfig:
    """Where a job may read and write."""
    s3 = settings.s3
    rules = AdmissionRules(s3.allowed_inputs, s3.allowed_outputs, s3.state_prefix, settings.media.max_bytes)
    return HandlerConfig(worker=settings.worker.id, rules=rules)


def brake_config(settings: Settings) -> BrakeConfig:
    """How many dead letters are too many."""
    brake = settings.brake
    return BrakeConfig(brake.share, brake.window, brake.run)


def keeper_of_state(settings: Settings) -> Dependency:
    """What is away when the state of jobs cannot be reached."""
    buckets = {split_s3_uri(prefix)[0] for prefix in (settings.s3.results, settings.s3.state_prefix)}
    return Dependency.STATE if len(buckets) > 1 else Dependency.STORE


def lease_config(settings: Settings) -> LeaseConfig:
    """Where leases lie, and how long they last."""
    terms = LeaseTerms(settings.lease.ttl_s, settings.retry.max_deliveries)
    return LeaseConfig(settings.s3.state_prefix, settings.worker.id, terms)


def sharing_config(settings: Settings, models: Mapping[str, ModelIdentity]) -> SharingConfig:
    """Where jobs of the same content find each other."""
    return SharingConfig(
        settings.s3.state_prefix,
        settings.worker.id,
        default_model=settings.engine.model,
        models=models,
        is_enabled=settings.sharing.enabled,
    )


def scratch_config(settings: Settings) -> ScratchConfig:
    """Where media in flight lies, and how much of it there may be."""
    scratch = settings.scratch
    return ScratchConfig(scratch.dir, scratch.max_bytes, scratch.min_free_bytes)


def intake_rules(settings: Settings) -> IntakeRules:
    """How records are read, and whose objects start nothing."""
    s3 = settings.s3
    return IntakeRules(settings.intake.key_encoding, own_prefixes=(s3.results, s3.state_prefix))


def required_topics(settings: Settings) -> dict[str, Right]:
    """Topics that must be there before the worker starts, and what it does with them."""
    topics = settings.topics
    written = [topics.results, topics.dlt, *([topics.progress] if topics.publish_progress else [])]
    return {
        topics.requests: Right.READ,
        **dict.fromkeys(settings.ladder.topics, Right.READ | Right.WRITE),
        **dict.fromkeys(written, Right.WRITE),
    }


def store_config(settings: Settings) -> StoreConfig:
    """How objects are addressed and encrypted, and which places are the deployment's own."""
    s3 = settings.s3
    return StoreConfig(s3.addressing, s3.encryption, s3.kms_key_id, OwnPlaces(s3.results, s3.state_prefix))


def source_config(settings: Settings) -> SourceConfig:
    """How requests are received."""
    kafka = settings.kafka
    return SourceConfig(
        bootstrap_servers=kafka.bootstrap_servers,
        security=kafka,
        group_id=kafka.group_id,
        topic=settings.topics.requests,
        delays_ms=settings.ladder.topics,
        client_id=settings.worker.id,
        session_timeout_ms=kafka.session_timeout_ms,
        max_poll_interval_ms=kafka.max_poll_interval_ms,
    )


def sink_config(settings: Settings) -> SinkConfig:
    """How records are published."""
    return SinkConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers, security=settings.kafka, client_id=settings.worker.id
    )


def make_decoder(settings: Settings) -> ProcessDecoder:
    """The decoder with the limits on one input."""
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


async def make_engine(settings: Settings, on_bytes: OnBytes | None = None, *, is_forced: bool = False) -> ProcessEngine:
    """The engine, whose weights are found or fetched first; fetched in any case if that is forced.

    Raises:
        FatalError: a model cannot be had.
    """
    names = dict.fromkeys((settings.engine.model, *settings.models.allowed))
    models = tuple([await find_weights(name, settings, on_bytes, is_forced=is_forced) for name in names])
    return ProcessEngine(engine_config(settings, models))


def engine_config(settings: Settings, models: tuple[ModelSpec, ...]) -> EngineConfig:
    """How the engine runs these models."""
    engine = settings.engine
    return EngineConfig(
        models=models,
        backend=Backend(engine.kind),
        device=engine.device,
        compute_type=engine.compute_type.value,
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


async def require_device(settings: Settings) -> None:
    """Tries a GPU that is asked for by name: nobody shall wait for weights that have nowhere to go.

    Raises:
        FatalError: `DEVICE_MISSING`, or `BAD_SETTINGS` for a compute type that it does not have.
    """
    if settings.engine.kind is EngineKind.FAKE or not settings.engine.device.startswith("cuda"):
        return
    try:
        await try_device(engine_config(settings, ()))
    except MisfitError as exc:
        raise FatalError(exc.exit_code, str(exc)) from exc
    except StartError:  # the engine's own start tells, and tries again
        return


async def preload(settings: Settings) -> None:
    """Sees to it that models are here which no job may name yet; those that jobs may name come with the engine.

    Raises:
        FatalError: a model cannot be had.
    """
    models = settings.models
    for name in dict.fromkeys(models.preload):
        if name not in (settings.engine.model, *models.allowed):
            await find_weights(name, settings, is_forced=models.preload_force)


async def find_weights(
    name: str, settings: Settings, on_bytes: OnBytes | None = None, *, is_forced: bool = False
) -> ModelSpec:
    """The model of this name on this machine, fetched where it is missing; the fake engine needs none.

    Raises:
        FatalError: it cannot be had.
    """
    if settings.engine.kind is EngineKind.FAKE:
        return ModelSpec(name, Path(), ModelIdentity(name=name), size_bytes=0)
    models = settings.models
    located = await find_model(name, models.dir, is_offline=models.offline, is_forced=is_forced, on_bytes=on_bytes)
    return ModelSpec(name, located.path, located.identity, (located.path / WEIGHTS).stat().st_size)
