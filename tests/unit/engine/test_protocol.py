"""What goes over the channel arrives as it was said."""

from __future__ import annotations

import json

import pytest

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
    unpack_reply,
)
from contracts.errors import ErrorCode
from contracts.requests import Mode
from tests.make import make_segment, make_word


@pytest.mark.parametrize(
    "order",
    [
        Load("/models/base", "auto", "int8", 2),
        Start(7, 16_000, Mode.BATCHED, {"temperature": [0.0], "vad_parameters": {"threshold": 0.1}, "language": None}),
        Cancel(7),
    ],
)
def test_orders_survive_the_channel(order: Order) -> None:
    assert unpack_order(json.loads(json.dumps(pack(order)))) == order


@pytest.mark.parametrize(
    "reply",
    [
        Loaded("cpu", "int8_float32", ("de", "en"), {"numpy": "2"}),
        LoadFailed("no such device"),
        SegmentFound(7, make_segment(words=[make_word(" Hello", 0.1, 0.30000000000000004)], temperature=None)),
        Done(7, "de", 0.9876543210987654),
        Failed(7, ErrorCode.GPU_OUT_OF_MEMORY, "full"),
        Cancelled(7),
    ],
)
def test_replies_survive_the_channel(reply: Reply) -> None:
    assert unpack_reply(json.loads(json.dumps(pack(reply)))) == reply


@pytest.mark.parametrize(
    "message", [{}, {"kind": "poem"}, {"kind": "segment", "job": 1, "segment": {"text": "secret"}}]
)
def test_a_foreign_message_is_refused_without_quoting_it(message: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match=r"^not a reply") as caught:
        unpack_reply(message)
    with pytest.raises(ProtocolError, match=r"^not an order"):
        unpack_order(message)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
