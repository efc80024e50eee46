"""A record that is lost is written again where the weights show by their known hashes what they are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from consumer.models.integrity import Defect, expected_of, inspect
from consumer.models.names import repository_of
from consumer.models.placing import locked
from consumer.models.record import FolderRecord, RecordedFile, is_by_hand, write_record
from consumer.models.resolve import cache_folder


def mend_record(name: str, cache_dir: Path) -> None:
    """Writes the record of a cached model that has none which can be read. Blocks: it reads the weights then.

    Leaves alone what nobody knows the hashes of, and folders that are links: what they lead to is not the cache's.
    A cache that cannot be written keeps weights without a record, which are as good.
    """
    folder, expected = cache_folder(name, cache_dir), expected_of(name, None)
    if folder is None or expected is None or folder.is_symlink():
        return
    with suppress(OSError):
        if is_by_hand(folder):
            _mend(name, folder, expected)


def _mend(name: str, folder: Path, expected: Mapping[str, str]) -> None:
    with locked(folder):
        if is_by_hand(folder) and not isinstance(inspect(folder, expected), Defect):
            write_record(folder, _record(name, folder, expected))


def _record(name: str, folder: Path, expected: Mapping[str, str]) -> FolderRecord:
    files = {
        file: RecordedFile(size_bytes=(folder / file).stat().st_size, sha256=sha256)
        for file, sha256 in expected.items()
    }
    return FolderRecord(source=repository_of(name) or name, revision=None, files=files)
