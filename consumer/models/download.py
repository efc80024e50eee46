"""Weights from the hub into a folder of the cache: whole, checked and recorded, or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from consumer.models.hub import Hub
from consumer.models.integrity import Defect, inspect
from consumer.models.listing import Listing
from consumer.models.placing import locked, place, require_space, set_aside, workplace
from consumer.models.record import FolderRecord, RecordedFile, is_by_hand, read_record, write_record
from consumer.stopwatch import Stopwatch

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Download:
    """How to fetch."""

    hub: Hub
    on_bytes: Callable[[str, int, int], None] = lambda _repository, _done, _total: None
    """Hears of a repository and of its bytes, there and in all; what it raises ends the download."""


def download(
    how: Download, repository: str, *, folder: Path, revision: str | None = None, is_forced: bool = False
) -> FolderRecord:
    """Fetches a repository's model into `folder`, replacing what is there. Blocks; another process may do the same.

    What came before a failure stays beside the folder, and the next try goes on from there.

    Args:
        how: by which client.
        repository: owner and name.
        folder: to fill; need not exist.
        revision: a branch, tag or commit; None is the newest.
        is_forced: whether to fetch again what `folder` has already.

    Raises:
        HubError: it cannot be had; `folder` is as it was.
        OSError: the cache cannot be written.
        TimeoutError: another process has been at it for too long.
    """
    listing = how.hub.look_up(repository, revision)
    with locked(folder, lambda: how.on_bytes(repository, 0, listing.size_bytes)):
        present = read_record(folder)
        if present and present.revision == listing.commit and not is_forced and _is_whole(folder, present):
            return present  # by another process, while this one waited for the lock
        return _fill(how, listing, folder, revision=revision, is_forced=is_forced)


def _fill(how: Download, listing: Listing, folder: Path, *, revision: str | None, is_forced: bool) -> FolderRecord:
    stopwatch = Stopwatch()
    said = log.bind(repository=listing.repository, commit=listing.commit, bytes=listing.size_bytes)
    said.info("model_download_started", folder=str(folder))
    partial = workplace(folder)
    partial.mkdir(exist_ok=True)
    if not is_forced:
        _reuse(listing, folder, partial)
    require_space(partial, listing.size_bytes)
    with stopwatch.stage("download"):
        hashes = how.hub.fetch(listing, partial, lambda done, total: how.on_bytes(listing.repository, done, total))
    record = _record(listing, revision, hashes)
    write_record(partial, record)
    if is_by_hand(folder):
        set_aside(folder)
    place(folder)
    said.info("model_download_finished", **stopwatch.fields())
    return record


def _reuse(listing: Listing, folder: Path, partial: Path) -> None:
    """Links what the folder has already; whether it is what the hub has is judged like everything else there."""
    for file in listing.files:
        with contextlib.suppress(OSError):  # not there, there twice, or no links on this disk: then it is fetched
            os.link(folder / file.name, partial / file.name)


def _is_whole(folder: Path, record: FolderRecord) -> bool:
    return not isinstance(inspect(folder, record.sha256), Defect)


def _record(listing: Listing, revision: str | None, hashes: dict[str, str]) -> FolderRecord:
    files = {file.name: RecordedFile(size_bytes=file.size_bytes, sha256=hashes[file.name]) for file in listing.files}
    return FolderRecord(source=listing.repository, revision=listing.commit, asked_revision=revision, files=files)
