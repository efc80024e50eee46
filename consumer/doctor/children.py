"""The worker's child processes, tried: the engine opens its device, a decoder decodes, the sandbox confines itself."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import wave
from functools import partial
from pathlib import Path
from typing import IO, Final

from consumer import parts
from consumer.core.failures import JobError
from consumer.doctor.examination import Check
from consumer.doctor.findings import Finding, counted, failed, ok, warning
from consumer.engine.launch import StartError, try_device
from consumer.engine.protocol import Opened
from consumer.media.descriptors import sample_memory
from consumer.settings import MediaSettings, Settings

_SANDBOX: Final = "consumer.media.sandbox"
_LEAST_S: Final = 1.0
_USUAL_RATE_HZ: Final = 16_000
_DRIVER: Final = (Path("/dev/nvidiactl"), Path("/dev/nvidia0"), Path("/dev/dxg"))
"""Devices of NVIDIA's driver, the last one Windows's for Linux guests."""
_START_S: Final = 90.0
_CRUCIAL: Final = frozenset(("landlock", "no_new_descriptors"))
"""Either of them keeps a hijacked decoder away from files and network."""


def children_checks(settings: Settings) -> list[Check]:
    """A check for each kind of process."""
    return [
        Check("device", partial(_look_at_device, settings), limit_s=_START_S),
        Check("decoder", partial(_look_at_decoder, settings), limit_s=_START_S),
        Check("sandbox", _look_at_sandbox),
    ]


async def _look_at_device(settings: Settings) -> Finding:
    """Opens the engine's device in a process of its own, without any model."""
    try:
        opened = await try_device(parts.engine_config(settings, ()))
    except StartError as exc:
        text, _, advice = str(exc).partition(": set ")
        return failed(text, f"set {advice}" if advice else "check the installation: pip install 'steno[worker]'")
    return judge_device(opened, settings.engine.device, has_driver=any(path.exists() for path in _DRIVER))


def judge_device(opened: Opened, wanted: str, *, has_driver: bool) -> Finding:
    """A CPU where a GPU seems to be is worth a word."""
    jobs = f"{counted(opened.slots, 'job')} at once, {counted(opened.cpu_threads, 'thread')} each"
    notice = f" ({opened.notice})" if opened.notice else ""
    text = f"{opened.device} with {opened.compute_type}, {jobs}{notice}"
    if has_driver and wanted == "auto" and opened.device == "cpu":
        advice = (
            "CTranslate2 needs CUDA 12 and cuDNN 9, and the process a GPU that it may use; or set the device to cpu"
        )
        return warning(f"{text}, though NVIDIA's driver is here", f"{advice} (STENO_ENGINE__DEVICE)")
    return ok(text)


async def _look_at_decoder(settings: Settings) -> Finding:
    """Raises FatalError when it does not start."""
    async with parts.make_decoder(settings) as decoder:
        with sample_memory() as media:
            _write_silence(media, settings.media)
            try:
                with await decoder.decode(media) as recording:
                    return ok(f"a process of its own made {recording.duration_s:g} s of silence from a WAV file")
            except JobError as exc:
                return failed(f"it does not decode silence: {exc.message}", "check STENO_MEDIA__* and the installation")


def _write_silence(media: IO[bytes], limits: MediaSettings) -> None:
    rate_hz = min(max(_USUAL_RATE_HZ, limits.min_sample_rate_hz), limits.max_sample_rate_hz)
    length_s = min(max(_LEAST_S, limits.min_duration_s), limits.max_duration_s)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as silence:
        silence.setnchannels(1)
        silence.setsampwidth(2)
        silence.setframerate(rate_hz)
        silence.writeframes(bytes(2 * round(rate_hz * length_s)))
    media.write(buffer.getvalue())


async def _look_at_sandbox() -> Finding:
    """Has a process confine itself as decoders do, with an environment as empty."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", _SANDBOX, env={},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return judge_sandbox(json.loads(printed))
    except ValueError:
        return failed(f"it ended with {process.returncode}", "check the installation: pip install 'steno[worker]'")


def judge_sandbox(protections: dict[str, bool]) -> Finding:
    """Which protections hold; without the crucial ones hostile media could reach further."""
    holding = [name for name, holds in protections.items() if holds]
    lacking = [name for name, holds in protections.items() if not holds]
    if not lacking:
        return ok(f"all protections hold: {', '.join(holding)}")
    text = f"not to be had here: {', '.join(lacking)}; these hold: {', '.join(holding) or 'none'}"
    advice = "Landlock wants Linux 5.13 or later, enabled, and a container that lets its system calls through"
    if _CRUCIAL.isdisjoint(holding):
        return failed(text, f"{advice}; take media from trusted sources only until then")
    return warning(text, advice)
