"""What this machine gives to a worker: disk for media in flight, memory, open files."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from consumer import allotment
from consumer.doctor.aside import aside
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, failed, ok, warning
from consumer.doctor.sizes import as_text
from consumer.models.inventory import survey
from consumer.settings import EngineKind, Settings

_BLOCK: Final = bytes(2**20)
_ENOUGH_FILES: Final = 1024
_LEAST_FILES: Final = 256
"""The decoders' parent gives itself as many."""
_PROCESSES_BYTES: Final = 700 * 10**6
"""Worker, decoders and engine beside the weights, measured with short files."""


def machine_checks(settings: Settings) -> Iterator[Check]:
    """A check for each resource."""
    yield Check("scratch", partial(_look_at_scratch, settings))
    yield Check("memory", partial(_look_at_memory, settings))
    yield Check("open files", _look_at_files)


async def _look_at_scratch(settings: Settings) -> Finding:
    return await aside(lambda: _judge_scratch(settings.scratch.dir, settings.media.max_bytes))


def _judge_scratch(folder: Path, largest_bytes: int) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_BLOCK)
            file.flush()
        free_bytes = shutil.disk_usage(folder).free
    except OSError as exc:
        return failed(
            f"{folder} does not take a file ({exc.strerror})", "make room, or set STENO_SCRATCH__DIR to another folder"
        )
    text = f"{folder} is writable, {as_text(free_bytes)} free"
    if free_bytes < largest_bytes:
        text += f", and one file may have {as_text(largest_bytes)} (STENO_MEDIA__MAX_BYTES)"
        return warning(text, "make room, set STENO_SCRATCH__DIR to a larger disk, or lower that limit")
    return ok(text)


async def _look_at_memory(settings: Settings) -> Finding:
    return await aside(lambda: judge_memory(settings, allotment.memory_bytes(), _weights_bytes(settings)))


def judge_memory(settings: Settings, memory_bytes: int, weights_bytes: int) -> Finding:
    """Compares what the models come to, as far as they are held at once, with what there is.

    Args:
        settings: for the limits.
        memory_bytes: of this machine, or of its share.
        weights_bytes: of all models that the settings name, on disk.
    """
    engine = settings.engine
    held_bytes = min(weights_bytes, engine.models_bytes)
    text = f"{as_text(memory_bytes)}{f', models of {as_text(weights_bytes)}' if weights_bytes else ''}"
    if engine.max_rss_bytes > memory_bytes:
        advice = "lower it, or give the worker more memory"
        return warning(f"{text}; STENO_ENGINE__MAX_RSS_BYTES ({as_text(engine.max_rss_bytes)}) is out of reach", advice)
    is_on_gpu = engine.device.startswith("cuda")
    needed_bytes = _PROCESSES_BYTES + (0 if is_on_gpu else held_bytes)
    if needed_bytes > memory_bytes:
        advice = "lower STENO_ENGINE__MODELS_BYTES, choose a smaller model, or give the worker more memory"
        return warning(f"{text}; about {as_text(needed_bytes)} are needed at once on a CPU", advice)
    return ok(text)


def _weights_bytes(settings: Settings) -> int:
    if settings.engine.kind is EngineKind.FAKE:
        return 0
    names = settings.models.names_with(settings.engine.model)
    return sum(survey(name, settings.models.dir).size_bytes or 0 for name in names)


async def _look_at_files() -> Finding:
    return judge_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def judge_files(soft: int, hard: int) -> Finding:
    """Sockets to store and broker, and a few files for each job."""
    advice = f"raise it to {_ENOUGH_FILES} or more (ulimit -n, LimitNOFILE=, or the container's ulimits)"
    if hard != resource.RLIM_INFINITY and hard < _LEAST_FILES:
        return failed(f"at most {hard} may be open, and decoders need {_LEAST_FILES}", advice)
    if soft != resource.RLIM_INFINITY and soft < _ENOUGH_FILES:
        return warning(f"{soft} may be open at once", advice)
    return ok("any number may be open" if soft == resource.RLIM_INFINITY else f"{soft} may be open at once")
