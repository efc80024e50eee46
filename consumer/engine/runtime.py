"""The engine process: `python -I -m consumer.engine.runtime FD PARENT_PID` loads a model and transcribes."""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading

from consumer.children.channel import Channel, ChannelClosedError
from consumer.children.lifeline import die_with_parent
from consumer.engine.faults import classify
from consumer.engine.protocol import (
    Cancel,
    Cancelled,
    Done,
    Failed,
    Load,
    Loaded,
    LoadFailed,
    Order,
    ProtocolError,
    Reply,
    SegmentFound,
    Start,
    pack,
    unpack_order,
)
from consumer.engine.whisper import ModelUnfitError, Whisper, read_samples, versions


class Runtime:
    """Reads orders in the main thread and transcribes in another."""

    def __init__(self, channel: Channel) -> None:
        """Takes over the channel to the supervisor."""
        self._channel = channel
        self._sending = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Start, int]] = queue.SimpleQueue()
        self._stops: dict[int, threading.Event] = {}

    def serve(self) -> None:
        """Loads the model, then takes orders until the supervisor is gone.

        Raises:
            ChannelClosedError: the supervisor is gone.
            ProtocolError: the supervisor is no supervisor.
        """
        order, _ = self._receive()
        if not isinstance(order, Load):
            raise ProtocolError("the first order was not to load")
        try:
            model = Whisper(order)
        except ModelUnfitError as exc:
            self._send(LoadFailed(str(exc)))
            return
        self._send(Loaded(model.device, model.compute_type, model.languages, versions()))
        threading.Thread(target=self._work, args=(model,), daemon=True).start()
        while True:
            self._take(*self._receive())

    def _receive(self) -> tuple[Order, list[int]]:
        message, descriptors = self._channel.receive()
        return unpack_order(message), descriptors

    def _send(self, reply: Reply) -> None:
        with self._sending:
            self._channel.send(pack(reply))

    def _take(self, order: Order, descriptors: list[int]) -> None:
        match order:
            case Start():
                self._stops[order.job] = threading.Event()
                self._waiting.put((order, descriptors[0]))
            case Cancel():
                if stop := self._stops.get(order.job):
                    stop.set()
            case Load():
                raise ProtocolError("a second order to load")

    def _work(self, model: Whisper) -> None:
        while True:
            start, descriptor = self._waiting.get()
            try:
                self._send(self._run(model, start, descriptor))
            except ChannelClosedError:
                return

    def _run(self, model: Whisper, start: Start, descriptor: int) -> Reply:
        """Runs a job; nothing of it is held any more when its end is told."""
        try:
            return self._transcribe(model, start, descriptor)
        except ChannelClosedError:
            raise
        except Exception as exc:  # noqa: BLE001 - the engine's edge: whatever the libraries raise gets a code
            return Failed(start.job, *classify(exc))
        finally:
            os.close(descriptor)
            self._stops.pop(start.job, None)

    def _transcribe(self, model: Whisper, start: Start, descriptor: int) -> Done | Cancelled:
        stop = self._stops[start.job]
        if stop.is_set():
            return Cancelled(start.job)
        heard = model.transcribe(read_samples(descriptor, start.sample_count), start.mode, start.arguments)
        for segment in heard.segments:
            if stop.is_set():
                return Cancelled(start.job)
            self._send(SegmentFound(start.job, segment))
        return Done(start.job, heard.language, heard.language_probability)


def main(descriptor: int, parent_pid: int) -> None:
    """Serves until the supervisor closes the channel or dies."""
    die_with_parent(parent_pid)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a draining worker needs its engine: only the supervisor ends it
    try:
        Runtime(Channel(socket.socket(fileno=descriptor))).serve()
    except ChannelClosedError:
        pass
    finally:
        sys.stderr.flush()
    os._exit(0)  # without waiting for a native call in the other thread


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
