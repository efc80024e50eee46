"""`steno demo` as a user runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from consumer.core.failures import ExitCode
from contracts import Manifest, OutputFormat, Transcript
from tests.processes import descendants_of, is_running
from tests.speech import SHORT
from tests.waiting import until

DEADLINE_S: Final = 120.0
SAID: Final = "has never been surpassed."
LAST_EXPORT: Final = "STENO_KAFKA__BOOTSTRAP_SERVERS"


@contextlib.asynccontextmanager
async def demo(folder: Path, *arguments: str | Path) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "demo", "--model", "tiny.en", *map(str, arguments),
        cwd=folder, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_file_becomes_a_transcript_and_its_result_set_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STENO_ENGINE__MODEL=nobody-has-it\n")
    async with demo(tmp_path, "--json", "--out", "kept", SHORT.path, "missing.wav") as process:
        output, errors = await process.communicate()
    done, failed = output.splitlines()
    assert process.returncode == ExitCode.FAILED, errors
    assert Transcript.model_validate_json(done).text.lower() == SAID
    assert json.loads(failed)["error"]["code"] == "INPUT_NOT_FOUND"
    kept = tmp_path / "kept" / SHORT.name
    manifest = Manifest.model_validate_json((kept / "manifest.json").read_bytes())
    assert {file.key.rpartition("/")[2] for file in manifest.files} == {f"transcript.{form}" for form in OutputFormat}
    assert (kept / "transcript.txt").read_text().strip().lower() == SAID
    assert b"Traceback" not in errors


async def test_a_model_that_nobody_has_is_told_in_the_workers_words(tmp_path: Path) -> None:
    async with demo(tmp_path, "--model", "huge", SHORT.path) as process:
        output, errors = await process.communicate()
    assert process.returncode == ExitCode.MODEL_UNAVAILABLE
    assert output == b""
    assert errors.decode().splitlines()[-1].startswith("steno: no weights for model 'huge'")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are found in /proc")
@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGINT, ExitCode.OK), (signal.SIGTERM, ExitCode.OK), (signal.SIGKILL, -signal.SIGKILL)]
)
async def test_kept_services_can_be_used_by_hand_and_end_with_the_demo(
    tmp_path: Path, end: signal.Signals, code: int
) -> None:
    async with demo(tmp_path, "--keep", SHORT.path) as process:
        exports = await read_exports(process)
        family = descendants_of(process.pid)
        assert len(family) >= 4  # the stack, the worker, and the worker's children
        assert await submitted_by_hand(exports) == SAID
        process.send_signal(end)
        assert await process.wait() == code
        await until(lambda: not any(map(is_running, family)))


async def read_exports(process: Process) -> dict[str, str]:
    assert process.stdout
    assert process.stderr
    while b"Ctrl-C" not in (line := await process.stderr.readline()):
        assert line, "the demo ended"
    exports: dict[str, str] = {}
    async with asyncio.timeout(DEADLINE_S):
        while LAST_EXPORT not in exports:
            text = (await process.stdout.readline()).decode().rstrip("\n")
            if text.startswith("export "):
                name, _, value = text.removeprefix("export ").partition("=")
                exports[name] = value
    return exports


async def submitted_by_hand(exports: dict[str, str]) -> str:
    steno = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "submit", "--wait", "--timeout-s", "60", str(SHORT.path),
        env=exports, stdout=PIPE,
    )  # fmt: skip
    output, _ = await steno.communicate()
    return output.decode().strip().lower()
