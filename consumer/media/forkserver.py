"""The warm parent of all decoders: PyAV imported and used once, then one fork per file.

Run as `python -m consumer.media.forkserver FD PARENT_PID`. It has one thread, never reads media and ends with its
parent, its decoders with it.

Parent to server: `{"decode": JOB, "limits": …, "layout": …, "sample_rate_hz": …}` with three or more descriptors
(media, reply socket, an output for each track) and `{"kill": JOB}`. Server to parent: `{"ready": true}` once, with the
`protections` that hold, then for every decode `{"job": JOB, "forked": true}`, so that silence shows a server that
stands still, and `{"job": JOB, "exit": STATUS}`, negative for a signal. The decoder answers on the reply socket.
"""

from __future__ import annotations

import io
import json
import os
import resource
import select
import signal
import socket
import sys
import wave
from contextlib import ExitStack
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final, NoReturn

import av.subtitles.codeccontext  # noqa: F401  # PyAV imports it when it meets such a stream, which no decoder can

from consumer.children.channel import Channel, ChannelClosedError, Message
from consumer.children.lifeline import die_with_parent
from consumer.media.decode import BYTES_PER_SAMPLE, decode
from consumer.media.errors import FAILING, FOREIGN, fault_of
from consumer.media.faults import Fault, MediaFaultError
from consumer.media.file import MediaFile
from consumer.media.limits import MIX, DecodeLimits
from consumer.media.sandbox import confine

_DESCRIPTORS: Final = 256
_TRIAL_S: Final = 10.0
_WARM_UP_RATE_HZ: Final = 8000


class ForkServer:
    """Forks decoders, ends them on demand and tells how each one ended."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: dict[int, int] = {}
        """Pids of children that were not reaped yet, so that none of them names another process."""

    def serve(self) -> None:
        """Works until the parent closes the channel; no decoder is left then."""
        wakeup = _wakeup_socket()
        try:
            self._channel.send({"ready": True, "protections": _tried_protections()})
            while True:
                ready, _, _ = select.select([self._channel, wakeup], [], [])
                if wakeup in ready:
                    wakeup.recv(4096)
                    self._reap()
                if self._channel in ready:
                    self._obey(*self._channel.receive())
        except ChannelClosedError:
            for pid in self._jobs:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _reap(self) -> None:
        for pid, job in list(self._jobs.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._jobs[pid]
                self._channel.send({"job": job, "exit": os.waitstatus_to_exitcode(status)})

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        if "kill" in message:
            for pid in [pid for pid, job in self._jobs.items() if job == message["kill"]]:
                os.kill(pid, signal.SIGKILL)
            return
        server_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_decoder(server_pid, message, descriptors)
        self._jobs[pid] = message["decode"]
        for descriptor in descriptors:
            os.close(descriptor)
        self._channel.send({"job": message["decode"], "forked": True})


def _tried_protections() -> dict[str, bool]:
    """Which protections decoders get here: a child confines itself as they do, and tells."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            protections = confine(memory_bytes=2**30, cpu_s=_TRIAL_S, file_bytes=2**20)
            os.write(writing, json.dumps(asdict(protections)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read()
    os.waitpid(pid, 0)
    tried: dict[str, bool] = json.loads(told or b"{}")
    return tried


def _be_decoder(server_pid: int, message: Message, descriptors: list[int]) -> NoReturn:
    """The whole life of a decoder. It leaves without clean-up: all around it belongs to the server."""
    status = 1
    try:
        _close_all_but(descriptors)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent(server_pid)
        _decode(message, *descriptors)
        status = 0
    finally:
        os._exit(status)


def _decode(message: Message, media: int, reply: int, *outputs: int) -> None:
    limits = DecodeLimits(**message["limits"])
    sample_rate_hz: int = message["sample_rate_hz"]
    with ExitStack() as stack:
        media_file = stack.enter_context(MediaFile(media))
        reply_socket = stack.enter_context(socket.socket(fileno=reply))
        files = [stack.enter_context(os.fdopen(output, "wb")) for output in outputs]
        most_samples = int(limits.max_duration_s * sample_rate_hz)
        confine(
            memory_bytes=limits.memory_bytes,
            cpu_s=limits.timeout_s,
            file_bytes=most_samples * BYTES_PER_SAMPLE + io.DEFAULT_BUFFER_SIZE,
        )
        answer: dict[str, Any]
        try:
            answer = decode(media_file, files, sample_rate_hz, layout=message["layout"], limits=limits)
        except MediaFaultError as exc:
            answer = {"fault": exc.fault}
        except FOREIGN as exc:
            answer = {"fault": fault_of(exc)}
        except OSError as exc:
            if exc.errno not in FAILING:
                raise
            answer = {"fault": Fault.MACHINE}
        Channel(reply_socket).send(answer)


def _close_all_but(descriptors: list[int]) -> None:
    for low, high in pairwise([-1, *sorted(descriptors), _DESCRIPTORS]):
        os.closerange(low + 1, high)


def _wakeup_socket() -> socket.socket:
    """A socket that is readable after a child's end."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)
    writable.setblocking(False)
    signal.set_wakeup_fd(writable.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return readable


def _warm_up() -> None:
    """Decodes a breath of silence: PyAV imports modules while it decodes, which no decoder could."""
    media = io.BytesIO()
    with wave.open(media, "wb") as silence:
        silence.setnchannels(2)
        silence.setsampwidth(2)
        silence.setframerate(_WARM_UP_RATE_HZ)
        silence.writeframes(bytes(4 * _WARM_UP_RATE_HZ))
    media.seek(0)
    limits = DecodeLimits(max_duration_s=10, timeout_s=10, memory_bytes=0)
    decode(media, [io.BytesIO()], 2 * _WARM_UP_RATE_HZ, layout=MIX, limits=limits)


def _limit_descriptors() -> None:
    """What was given may be less already, and cannot be raised."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(_DESCRIPTORS, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))


def main(channel_descriptor: int, parent_pid: int) -> None:
    """Serves the parent at the other end of the channel."""
    die_with_parent(parent_pid)
    channel = Channel(socket.socket(fileno=os.dup(channel_descriptor)))  # the lowest free number, below the limit
    os.close(channel_descriptor)
    _limit_descriptors()
    _warm_up()
    ForkServer(channel).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
