"""What a broker's errors are to a client."""

from __future__ import annotations

import pytest

from contracts.broker.findings import Cause
from contracts.broker.refusals import REFUSALS
from contracts.client import AccessError
from contracts.client.errors import broker_error


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_of_a_broker_is_one_of_access(kind: type[Exception]) -> None:
    error = broker_error(kind(), "broker:9092")
    assert isinstance(error, AccessError)
    assert error.cause is Cause.REFUSED
