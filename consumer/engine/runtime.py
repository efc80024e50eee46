"""The engine process: `python -I -m consumer.engine.runtime FD PARENT_PID` loads models and transcribes."""

from __future__ import annotations

import contextlib
import os
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final, NoReturn

from consumer.allotment import cores
from consumer.children.channel import Channel, ChannelClosedError
from consumer.children.lifeline import die_with_parent
from consumer.engine import protocol
from consumer.engine.backend import Device, Model, NoDeviceError, Track, UnfitError
from consumer.engine.config import Backend
from consumer.engine.faults import classify, row_of
from consumer.engine.threads import Threads, choose_threads

_DEVICE_LOST_STATUS: Final = 70


class Runtime:
    """Reads orders in the main thread, transcribes in one thread for each slot and loads models in one more."""

    def __init__(self, channel: Channel) -> None:
        """Takes over the channel to the supervisor."""
        self._channel = channel
        self._sending = threading.Lock()
        self._models: dict[str, Model] = {}
        self._starts: Final[queue.SimpleQueue[tuple[protocol.Start, int]]] = queue.SimpleQueue()
        self._loads: Final[queue.SimpleQueue[protocol.Load | protocol.Unload]] = queue.SimpleQueue()
        self._stops: dict[int, threading.Event] = {}

    def serve(self) -> None:
        """Opens the device, then takes orders until the supervisor is gone.

        Raises:
            ChannelClosedError: the supervisor is gone.
            ProtocolError: the supervisor is no supervisor.
        """
        order, _ = self._receive()
        if not isinstance(order, protocol.Open):
            raise protocol.ProtocolError("the first order was not to open")
        try:
            device = open_device(order)
        except UnfitError as exc:
            self._send(protocol.OpenFailed(str(exc), lacks_device=isinstance(exc, NoDeviceError)))
            return
        threads = choose_threads(cores(), order.slots, order.cpu_threads, device.name)
        self._send(
            protocol.Opened(
                device.name, device.compute_type, threads.slots, threads.cpu_threads, device.versions, device.notice
            )
        )
        _spawn(lambda: self._keep_models(device, threads))
        for _ in range(threads.slots):
            _spawn(self._work)
        while True:
            self._take(*self._receive())

    def _receive(self) -> tuple[protocol.Order, list[int]]:
        message, descriptors = self._channel.receive()
        return protocol.unpack_order(message), descriptors

    def _send(self, reply: protocol.Reply) -> None:
        with self._sending:
            self._channel.send(protocol.pack(reply))

    def _take(self, order: protocol.Order, descriptors: list[int]) -> None:
        match order:
            case protocol.Start():
                self._stops[order.job] = threading.Event()
                self._starts.put((order, descriptors[0]))
            case protocol.Cancel():
                if stop := self._stops.get(order.job):
                    stop.set()
            case protocol.Load() | protocol.Unload():
                self._loads.put(order)
            case protocol.Open():
                raise protocol.ProtocolError("a second order to open")

    def _keep_models(self, device: Device, threads: Threads) -> None:
        while True:
            order = self._loads.get()
            if isinstance(order, protocol.Unload):
                del self._models[order.model]
                continue
            try:
                model = device.load(order.path, threads.slots, threads.cpu_threads)
            except UnfitError as exc:
                self._send(protocol.LoadFailed(order.model, str(exc)))
                continue
            self._models[order.model] = model
            self._send(protocol.Loaded(order.model, model.compute_type, model.languages))
            del model  # else it would outlive its unloading

    def _work(self) -> None:
        while True:
            start, descriptor = self._starts.get()
            self._send(self._run(start, descriptor))

    def _run(self, start: protocol.Start, descriptor: int) -> protocol.Reply:
        """Runs a job; nothing of it is held any more when its end is told."""
        try:
            return self._transcribe(start, descriptor)
        except ChannelClosedError:
            raise
        except Exception as exc:  # noqa: BLE001 - the engine's edge: whatever the libraries raise gets a code
            if row_of(exc).ends_process:
                _end(classify(exc)[1])
            return protocol.Failed(start.job, *classify(exc))
        finally:
            os.close(descriptor)
            self._stops.pop(start.job, None)

    def _transcribe(self, start: protocol.Start, descriptor: int) -> protocol.Done | protocol.Cancelled:
        stop = self._stops[start.job]
        if stop.is_set():
            return protocol.Cancelled(start.job)
        self._send(protocol.Begun(start.job))
        track = Track(descriptor, start.sample_count)
        heard = self._models[start.model].transcribe(track, start.mode, start.arguments)
        for segment in heard.segments:
            if stop.is_set():
                return protocol.Cancelled(start.job)
            self._send(protocol.SegmentFound(start.job, segment))
        return protocol.Done(start.job, heard.language, heard.language_probability)


def open_device(order: protocol.Open) -> Device:
    """The device of the backend that was ordered; its libraries are imported here, the fake needs none.

    Raises:
        UnfitError: it cannot be had.
    """
    match order.backend:
        case Backend.FAKE:
            from consumer.engine.fake import FakeDevice  # noqa: PLC0415 - loads no more than it needs

            return FakeDevice(order.fake_switches)
        case Backend.FASTER_WHISPER:
            from consumer.engine.whisper import WhisperDevice  # noqa: PLC0415 - a second of imports

            return WhisperDevice(order.device, order.compute_type)


def _end(reason: str) -> NoReturn:
    """Ends the process, which could do nothing more: its supervisor starts another and has its jobs run again."""
    sys.stderr.write(f"{reason}\n")  # the supervisor reads the last line
    sys.stderr.flush()
    os._exit(_DEVICE_LOST_STATUS)


def _spawn(work: Callable[[], None]) -> None:
    def until_the_supervisor_is_gone() -> None:
        with contextlib.suppress(ChannelClosedError):  # the main thread sees the same end
            work()

    threading.Thread(target=until_the_supervisor_is_gone, daemon=True).start()


def main(descriptor: int, parent_pid: int) -> None:
    """Serves until the supervisor closes the channel or dies."""
    die_with_parent(parent_pid)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold audio and text
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a draining worker needs its engine: only the supervisor ends it
    try:
        Runtime(Channel(socket.socket(fileno=descriptor))).serve()
    except ChannelClosedError:
        pass
    finally:
        sys.stderr.flush()
    os._exit(0)  # without waiting for a native call in another thread


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
