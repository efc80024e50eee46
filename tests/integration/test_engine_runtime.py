"""The engine process from the inside: its orders come from this test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import JsonValue

from consumer.children.channel import Channel, ChannelClosedError
from consumer.engine import protocol
from consumer.engine.config import Backend
from consumer.engine.runtime import Runtime
from contracts.errors import ErrorCode
from contracts.requests import Mode
from contracts.transcript import Segment
from tests.engines import COMPUTE_TYPE, THREADS, located, make_samples
from tests.speech import LONGEST, SHORT, Clip


def open_order(slots: int = 1) -> protocol.Open:
    return protocol.Open(Backend.FASTER_WHISPER, "cpu", COMPUTE_TYPE, slots, THREADS)


class Supervisor:
    """The other end of a runtime that serves in a thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def order(self, order: protocol.Order) -> None:
        self._channel.send(protocol.pack(order))

    def set_up(self, slots: int = 1) -> protocol.Loaded:
        """Opens the CPU and loads `tiny.en`."""
        self.order(open_order(slots))
        assert isinstance(self.reply(), protocol.Opened)
        self.order(protocol.Load("tiny.en", str(located("tiny.en").path)))
        loaded = self.reply()
        assert isinstance(loaded, protocol.Loaded)
        return loaded

    def start(self, job: int, clip: Clip, **arguments: JsonValue) -> None:
        with make_samples(clip) as samples:
            order = protocol.Start(job, "tiny.en", samples.count, Mode.SEQUENTIAL, {"temperature": [0.0], **arguments})
            self._channel.send(protocol.pack(order), [samples.file.fileno()])

    def reply(self) -> protocol.Reply:
        """The next one but for the beginnings of jobs."""
        while isinstance(reply := protocol.unpack_reply(self._channel.receive()[0]), protocol.Begun):
            pass
        return reply

    def replies(self) -> Iterator[protocol.Reply]:
        while True:
            reply = self.reply()
            yield reply
            if not isinstance(reply, protocol.SegmentFound):
                return


@contextmanager
def serving() -> Iterator[tuple[Supervisor, list[Exception]]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    ended: list[Exception] = []

    def serve() -> None:
        channel = Channel(theirs)
        try:
            Runtime(channel).serve()
        except (ChannelClosedError, protocol.ProtocolError) as exc:
            ended.append(exc)
        finally:
            channel.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with ours:
        yield Supervisor(Channel(ours)), ended
        ours.shutdown(socket.SHUT_RDWR)
    thread.join(60)
    assert not thread.is_alive()


def test_jobs_run_in_order_and_end_with_done() -> None:
    with serving() as (supervisor, ended):
        assert supervisor.set_up().languages == ("en",)
        supervisor.start(1, SHORT)
        supervisor.start(2, SHORT)
        replies = [*supervisor.replies(), *supervisor.replies()]
    assert [reply.job for reply in replies if isinstance(reply, protocol.Done)] == [1, 2]
    segments = [reply.segment for reply in replies if isinstance(reply, protocol.SegmentFound)]
    assert [segment.text for segment in segments] == [" has never been surpassed."] * 2
    assert isinstance(segments[0], Segment)
    assert isinstance(ended[0], ChannelClosedError)


def test_a_cancelled_job_stops_before_its_end_and_one_that_waits_never_starts() -> None:
    with serving() as (supervisor, _):
        supervisor.set_up()
        supervisor.start(1, LONGEST)
        supervisor.start(2, SHORT)
        supervisor.order(protocol.Cancel(99))
        assert isinstance(supervisor.reply(), protocol.SegmentFound)
        supervisor.order(protocol.Cancel(2))
        supervisor.order(protocol.Cancel(1))
        assert list(supervisor.replies())[-1] == protocol.Cancelled(1)
        assert list(supervisor.replies()) == [protocol.Cancelled(2)]


def test_a_refused_call_fails_its_job_alone() -> None:
    with serving() as (supervisor, _):
        supervisor.set_up()
        supervisor.start(1, SHORT, beam_size=0)
        supervisor.start(2, SHORT)
        failed = supervisor.reply()
        assert isinstance(failed, protocol.Failed)
        assert (failed.job, failed.code) == (1, ErrorCode.REQUEST_INVALID)
        assert list(supervisor.replies())[-1] == protocol.Done(2, "en", 1.0)


def test_an_argument_that_does_not_exist_is_a_defect_of_ours() -> None:
    with serving() as (supervisor, _):
        supervisor.set_up()
        supervisor.start(1, SHORT, tempo="fast")
        failed = supervisor.reply()
    assert isinstance(failed, protocol.Failed)
    assert failed.code is ErrorCode.INTERNAL
    assert "TypeError at whisper.py:" in failed.message


def test_a_model_that_cannot_be_loaded_is_said() -> None:
    with serving() as (supervisor, ended):
        supervisor.set_up()
        supervisor.order(protocol.Load("base", "/nowhere"))
        reply = supervisor.reply()
        assert isinstance(reply, protocol.LoadFailed)
        assert "/nowhere on cpu with int8" in reply.message
        supervisor.start(1, SHORT)
        assert list(supervisor.replies())[-1] == protocol.Done(1, "en", 1.0)
    assert isinstance(ended[0], ChannelClosedError)


def test_a_device_that_is_not_there_is_said_and_ends_the_process() -> None:
    with serving() as (supervisor, ended):
        supervisor.order(protocol.Open(Backend.FASTER_WHISPER, "cuda:97", "auto", 1, 1))
        reply = supervisor.reply()
        assert isinstance(reply, protocol.OpenFailed)
        assert "device 'cuda:97' was asked for" in reply.message
    assert not ended


def test_an_unloaded_model_is_gone() -> None:
    with serving() as (supervisor, _):
        supervisor.set_up()
        supervisor.order(protocol.Unload("tiny.en"))
        supervisor.order(protocol.Load("base", "/nowhere"))  # its answer says that the order before it is done
        supervisor.reply()
        supervisor.start(1, SHORT)
        failed = supervisor.reply()
    assert isinstance(failed, protocol.Failed)
    assert failed.code is ErrorCode.INTERNAL


def test_with_two_slots_a_short_job_passes_a_long_one() -> None:
    with serving() as (supervisor, _):
        supervisor.set_up(slots=2)
        supervisor.start(1, LONGEST)
        supervisor.start(2, SHORT)
        ends = [
            reply for reply in iter(supervisor.reply, protocol.Done(1, "en", 1.0)) if isinstance(reply, protocol.Done)
        ]
    assert ends == [protocol.Done(2, "en", 1.0)]


@pytest.mark.parametrize(
    "orders", [(protocol.Cancel(1),), (open_order(), open_order())], ids=["cancel first", "open twice"]
)
def test_orders_out_of_turn_end_the_process(orders: tuple[protocol.Order, ...]) -> None:
    with serving() as (supervisor, ended):
        for order in orders:
            supervisor.order(order)
        with pytest.raises(ChannelClosedError):
            list(iter(supervisor.reply, None))
    assert isinstance(ended[0], protocol.ProtocolError)
