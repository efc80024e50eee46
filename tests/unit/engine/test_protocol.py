"""What goes over the channel arrives as it was said."""

from __future__ import annotations

import json

import pytest

from consumer.engine.config import Backend
from consumer.engine.protocol import (
    Begun,
    Cancel,
    Cancelled,
    Done,
    Failed,
    Load,
    Loaded,
    LoadFailed,
    Open,
    Opened,
    OpenFailed,
    Order,
    ProtocolError,
    Reply,
    SegmentFound,
    Start,
    Unload,
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
        Open(Backend.FAKE, "auto", "int8", 2, 1, "slow=1"),
        Load("base", "/models/base"),
        Unload("base"),
        Start(
            7,
            "base",
            16_000,
            Mode.BATCHED,
            {"temperature": [0.0], "vad_parameters": {"threshold": 0.1}, "language": None},
        ),
        Cancel(7),
    ],
)
def test_orders_survive_the_channel(order: Order) -> None:
    assert unpack_order(json.loads(json.dumps(pack(order)))) == order


@pytest.mark.parametrize(
    "reply",
    [
        Opened("cpu", "int8", 2, 1, {"numpy": "2"}, "no CUDA device"),
        OpenFailed("no such device"),
        Loaded("base", "int8_float32", ("de", "en")),
        LoadFailed("base", "no such file"),
        Begun(7),
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
