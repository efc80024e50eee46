"""The engine process as an operating system sees it: how it is started, what it may see, how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from consumer.allotment import cores, seen_cores
from consumer.children.channel import ChannelClosedError
from consumer.children.ending import Tail, describe_end
from consumer.children.process import AsyncChannel, Child, spawn
from consumer.core.failures import ExitCode
from consumer.engine.config import EngineConfig
from consumer.engine.protocol import Open, Opened, OpenFailed, ProtocolError, pack, unpack_reply

RUNTIME: Final = "consumer.engine.runtime"
_EXIT_WAIT_S: Final = 1.0
_INHERITED: Final = ("DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH", "TMPDIR")
_INHERITED_PREFIXES: Final = (
    "CT2_", "CUDA_", "CUDNN_", "DNNL_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "ONEDNN_", "OPENBLAS_",
)  # fmt: skip
"""Variables by which devices and numeric libraries are found and tuned; no credentials and no settings of ours.

They bear on the figures: OpenBLAS with another `OPENBLAS_CORETYPE` changes the third digit of a log probability.
"""


class StartError(Exception):
    """The engine process did not come up; the message says why."""


class LoadError(Exception):
    """The process cannot load a model; the message says why."""


class SessionEndedError(Exception):
    """The process ended before the answer."""


class DiedError(StartError):
    """It ended while it came up, which another one may not do."""


class MisfitError(StartError):
    """It came up, and cannot work as the settings want it to; the message names the setting."""

    exit_code: ClassVar = ExitCode.BAD_SETTINGS


class NoDeviceError(MisfitError):
    """The device that the settings want is not there."""

    exit_code = ExitCode.DEVICE_MISSING


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """A running engine process whose device is open; it holds no model yet."""

    child: Child
    tail: Tail

    @classmethod
    async def launch(cls, config: EngineConfig) -> tuple[Self, Opened]:
        """Starts a process and waits until its device is open, at most `load_timeout_s`.

        Raises:
            StartError: it did not come up; `DiedError` and `MisfitError` say more.
        """
        try:
            child = await spawn(RUNTIME, environment=_environment(), stderr=asyncio.subprocess.PIPE)
        except OSError as exc:
            raise StartError(f"the engine process cannot be started: {exc}") from exc
        process = cls(child, Tail(child))
        try:
            return process, await process._open(config)
        except ChannelClosedError as exc:
            raise DiedError(await process.end()) from exc
        except ProtocolError as exc:
            raise StartError(await process.end()) from exc
        except BaseException:
            child.send_kill()
            await process.end()
            raise

    @property
    def channel(self) -> AsyncChannel:
        """The channel to it."""
        return self.child.channel

    async def end(self) -> str:
        """Ends it, if it has not ended by itself just now, and says in a clause how it ended."""
        with contextlib.suppress(TimeoutError):  # one that ends by itself keeps its exit code
            async with asyncio.timeout(_EXIT_WAIT_S):
                await self.child.process.wait()
        try:
            status = await self.child.kill()
        except TimeoutError:
            return "the engine process does not end"
        return describe_end("the engine process", status, await self.tail.text())

    async def _open(self, config: EngineConfig) -> Opened:
        order = Open(
            config.backend, config.device, config.compute_type, config.slots, config.cpu_threads, config.fake_switches
        )
        try:
            async with asyncio.timeout(config.load_timeout_s):
                await self.channel.send(pack(order))
                reply = unpack_reply(await self.channel.receive())
        except TimeoutError as exc:
            raise StartError(f"no answer within {config.load_timeout_s:g} s") from exc
        match reply:
            case Opened() as opened:
                return opened
            case OpenFailed(message=message, lacks_device=lacks_device):
                raise (NoDeviceError if lacks_device else MisfitError)(message)
            case _:
                raise ProtocolError("a job's reply while opening")


async def try_device(config: EngineConfig) -> Opened:
    """Opens the device in a process of its own, without any model, and ends it.

    Raises:
        StartError: it did not come up.
    """
    process, opened = await EngineProcess.launch(config)
    process.child.send_kill()
    await process.end()
    return opened


def _environment() -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    return {
        **_numeric_threads(inherited),
        **inherited,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.31 reports to its maker unless told not to
        "TOKENIZERS_PARALLELISM": "false",
    }


def _numeric_threads(chosen: Mapping[str, str]) -> dict[str, str]:
    """OpenBLAS counts processors and knows of no quota: under one it would start a thread for each of the machine."""
    is_chosen = not {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}.isdisjoint(chosen)
    return {} if is_chosen or cores() == seen_cores() else {"OPENBLAS_NUM_THREADS": str(cores())}
