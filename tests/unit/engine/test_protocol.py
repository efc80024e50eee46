"""What goes over the channel arrives as it was said."""

from __future__ import annotations

import json

import pytest

from consumer.engine import protocol
from consumer.engine.config import Backend
from contracts.errors import ErrorCode
from contracts.requests import Mode
from tests.make import make_segment, make_word


@pytest.mark.parametrize(
    "order",
    [
        protocol.Open(Backend.FAKE, "auto", "int8", 2, 1, "slow=1"),
        protocol.Load("base", "/models/base"),
        protocol.Unload("base"),
        protocol.Start(
            7,
            "base",
            16_000,
            Mode.BATCHED,
            {"temperature": [0.0], "vad_parameters": {"threshold": 0.1}, "language": None},
        ),
        protocol.Cancel(7),
    ],
)
def test_orders_survive_the_channel(order: protocol.Order) -> None:
    assert protocol.unpack_order(json.loads(json.dumps(protocol.pack(order)))) == order


@pytest.mark.parametrize(
    "reply",
    [
        protocol.Opened("cpu", "int8", 2, 1, {"numpy": "2"}, "no CUDA device"),
        protocol.OpenFailed("no such device"),
        protocol.Loaded("base", "int8_float32", ("de", "en")),
        protocol.LoadFailed("base", "no such file"),
        protocol.Begun(7),
        protocol.SegmentFound(7, make_segment(words=[make_word(" Hello", 0.1, 0.30000000000000004)], temperature=None)),
        protocol.Done(7, "de", 0.9876543210987654),
        protocol.Failed(7, ErrorCode.GPU_OUT_OF_MEMORY, "full"),
        protocol.Cancelled(7),
    ],
)
def test_replies_survive_the_channel(reply: protocol.Reply) -> None:
    assert protocol.unpack_reply(json.loads(json.dumps(protocol.pack(reply)))) == reply


@pytest.mark.parametrize(
    "message", [{}, {"kind": "poem"}, {"kind": "segment", "job": 1, "segment": {"text": "secret"}}]
)
def test_a_foreign_message_is_refused_without_quoting_it(message: dict[str, object]) -> None:
    with pytest.raises(protocol.ProtocolError, match=r"^not a reply") as caught:
        protocol.unpack_reply(message)
    with pytest.raises(protocol.ProtocolError, match=r"^not an order"):
        protocol.unpack_order(message)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
