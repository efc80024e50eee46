"""The models that the settings name: here and whole, or to be had."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from consumer.doctor.aside import aside
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, failed, ok, warning
from consumer.doctor.sizes import as_text
from consumer.models.inventory import Entry, State, survey
from consumer.models.names import is_path
from consumer.settings import EngineKind, ModelSettings, Settings

_READ_S = 180.0
"""Three gigabytes from a network disk."""


def weights_checks(settings: Settings) -> Iterator[Check]:
    """A check for each model, and one for the folder that they lie in; the fake engine needs none."""
    if settings.engine.kind is EngineKind.FAKE:
        return
    models = settings.models
    names = models.names_with(settings.engine.model)
    for name in names:
        yield Check(f"model {name}", partial(_look_at_model, name, models), limit_s=_READ_S)
    yield Check("model folder", partial(_look_at_folder, names, models))


async def _look_at_model(name: str, models: ModelSettings) -> Finding:
    entry = await aside(lambda: survey(name, models.dir, is_thorough=True))
    return judge_model(entry, is_offline=models.offline)


def judge_model(entry: Entry, *, is_offline: bool) -> Finding:
    """What a worker's start would make of it."""
    put_right = f"'steno models pull {entry.name}' puts it right"
    match entry.state:
        case State.WHOLE:
            return ok(f"whole, {as_text(entry.size_bytes or 0)} in {entry.where}")
        case State.PACKED:
            return ok(f"in installed packages ({entry.revision}), to be joined at its first use")
        case State.UNCHECKED:
            return warning(f"complete in {entry.where}, {entry.detail}", "nothing, if you trust where it came from")
        case State.BROKEN:
            advice = "bring a whole model there" if entry.source == "path" else put_right
            return failed(f"{entry.where or entry.revision} {entry.detail}", advice)
        case State.ABSENT:
            return _absent(entry, is_offline=is_offline)


def _absent(entry: Entry, *, is_offline: bool) -> Finding:
    if entry.source != "hub":
        others = "name a folder that is there" if is_path(entry.name) else "name one that 'steno models list' has"
        return failed(f"not here: {entry.detail}", f"{others} (STENO_ENGINE__MODEL, STENO_MODELS__*)")
    size = f", about {as_text(entry.size_bytes)}" if entry.size_bytes else ""
    fetch = f"fetch it with 'steno models pull {entry.name}'"
    if is_offline:
        return failed(
            f"not here, and STENO_MODELS__OFFLINE forbids the hub{size}", f"{fetch} where the hub is in reach"
        )
    return warning(f"not here: a worker's start would fetch it from the hub{size}", f"{fetch} beforehand")


async def _look_at_folder(names: Sequence[str], models: ModelSettings) -> Finding:
    return await aside(lambda: _judge_folder(names, models))


def _judge_folder(names: Sequence[str], models: ModelSettings) -> Finding:
    entries = [survey(name, models.dir) for name in names]
    to_come = [entry for entry in entries if entry.state in (State.ABSENT, State.PACKED, State.BROKEN)]
    needed_bytes = sum(entry.size_bytes or 0 for entry in to_come)
    existing = _existing(models.dir)
    advice = "set STENO_MODELS__DIR to a folder that this user may write"
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as exc:
        if not to_come:
            return ok(f"{models.dir} is not writable ({exc.strerror}), and nothing has to be written")
        return failed(f"{existing} is not writable ({exc.strerror}), and models are to come", advice)
    free_bytes = shutil.disk_usage(existing).free
    text = f"{models.dir} is writable, {as_text(free_bytes)} free"
    if free_bytes < needed_bytes:
        return failed(f"{text}, and models of {as_text(needed_bytes)} are to come", f"make room, or {advice}")
    return ok(text)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
