"""The engine process from outside: what it sees, what it loads, whom it outlives."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.engine.supervisor import ProcessEngine
from contracts.requests import Options
from tests.engine_jobs import pid_of
from tests.engines import make_engine_config, make_samples
from tests.processes import is_running
from tests.speech import SHORT
from tests.waiting import until

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@only_linux
async def test_the_child_sees_no_credentials_and_no_descriptors_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "STENO_KAFKA__SASL_PASSWORD", "HF_TOKEN"):
        monkeypatch.setenv(name, "secret")
    with (tmp_path / "open").open("w"):
        async with ProcessEngine(make_engine_config()) as engine:
            with make_samples(SHORT) as samples:
                await engine.transcribe(samples, Options(), lambda _: None)
            process = Path(f"/proc/{pid_of(engine)}")
            environment = process.joinpath("environ").read_bytes()
            names = {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0") if entry}
            targets = sorted(str(entry.readlink()) for entry in process.joinpath("fd").iterdir())
    assert b"secret" not in environment
    assert {"HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "ORT_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM"} <= names
    assert not {name for name in names if name.startswith(("AWS_", "STENO_", "KAFKA", "HOME"))}
    assert [target.partition(":")[0] for target in targets] == ["/dev/null", "/dev/null", "pipe", "socket"]


PARENT = """
import asyncio, sys
from consumer.adapters.telemetry import configure_logging
from consumer.engine.supervisor import ProcessEngine
from consumer.settings import LogLevel
from tests.engines import make_engine_config

async def main():
    configure_logging(as_json=True, level=LogLevel.ERROR)
    async with ProcessEngine(make_engine_config()) as engine:
        print(engine.process_id, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_no_child_outlives_a_killed_parent() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), 60))
    assert is_running(child)
    parent.kill()
    await asyncio.wait_for(parent.wait(), 30)
    await until(lambda: not is_running(child))


def test_the_worker_side_loads_no_model_code() -> None:
    code = (
        "import consumer.engine.supervisor, consumer.models.resolve, sys; "
        "print({'faster_whisper', 'ctranslate2', 'numpy', 'av', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


async def test_it_is_supervised_while_it_restarts_and_not_when_nobody_would_start_it_again() -> None:
    async with ProcessEngine(make_engine_config()) as engine:
        assert engine.is_supervised
        os.kill(pid_of(engine), signal.SIGKILL)
        await until(lambda: not engine.is_ready, "its end is heard of", every_s=0)
        assert engine.is_supervised
        keeper = engine._desk._keeper
        assert keeper._restarting is not None
        keeper._restarting.cancel()  # as a defect of ours would end it
        await until(lambda: not engine.is_supervised, "nobody watches")
