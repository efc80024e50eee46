"""What came of the demo's files, and copies of the result sets, as the store ends with the demo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from consumer.demo.embedded import Stack
from contracts.requests import split_s3_uri
from contracts.transcript import Manifest, Transcript

_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Result:
    """One file of the demo at its end."""

    file: Path
    line: str
    """What `steno submit --json` printed for it."""
    transcript: Transcript | None
    error: str | None
    """Why there is no transcript."""

    @property
    def seconds(self) -> float:
        """What the worker spent on it: fetching, decoding, transcribing."""
        timing = self.transcript.timing if self.transcript else None
        return timing.fetch_s + timing.decode_s + timing.engine_s if timing else 0.0


def read_results(files: Sequence[Path], lines: Sequence[str]) -> tuple[Result, ...]:
    """Pairs the files with the lines that were printed for them."""
    return tuple(_result(file, line) for file, line in zip(files, lines, strict=True))


async def copy_result_sets(stack: Stack, results: Sequence[Result], out: Path) -> None:
    """Copies every result set into a folder of its own under `out`, named after its file."""
    # The embedded store wants a signature and checks none; an AWS library would heed what else this machine is set to.
    async with aiohttp.ClientSession(stack.s3, headers={"Authorization": "AWS demo:"}, raise_for_status=True) as store:
        for result, folder in zip(results, _folders(results, out), strict=True):
            if result.transcript is not None:
                job = result.transcript.job
                await _copy(store, f"{job.output_uri.removesuffix('/')}/{job.job_id}", folder)


def _result(file: Path, line: str) -> Result:
    document = json.loads(line)
    if "error" in document:
        return Result(file, line, None, f"{document['error']['message']} ({document['error']['code']})")
    return Result(file, line, Transcript.model_validate_json(line), None)


def _folders(results: Sequence[Result], out: Path) -> Iterator[Path]:
    taken: set[str] = set()
    for result in results:
        name = result.file.name
        while name in taken:
            name = f"{name}-again"
        taken.add(name)
        yield out / name


async def _copy(store: aiohttp.ClientSession, prefix: str, folder: Path) -> None:
    bucket, key = split_s3_uri(f"{prefix}/{_MANIFEST}")
    manifest = await _read(store, f"/{bucket}/{key}")
    files = {_MANIFEST: manifest}
    for file in Manifest.model_validate_json(manifest).files:
        files[file.key.rpartition("/")[2]] = await _read(store, f"/{bucket}/{file.key}")
    await asyncio.to_thread(_write, folder, files)


async def _read(store: aiohttp.ClientSession, path: str) -> bytes:
    async with store.get(path) as response:
        return await response.read()


def _write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)
