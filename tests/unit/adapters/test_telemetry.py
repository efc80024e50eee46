"""Log lines never show what stood in variables."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.adapters.telemetry import _renderer

SECRET = "xylophone secrets"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_does_not_show_the_values_of_variables(*, as_json: bool) -> None:
    def transcribe(prompt: str) -> None:
        raise ZeroDivisionError(f"{len(prompt)} characters")

    event: Any = {"event": "unexpected_error", "level": "error"}
    try:
        transcribe(SECRET)
    except ZeroDivisionError as exc:
        event["exc_info"] = exc
    for processor in _renderer(as_json=as_json):
        event = processor(None, "error", event)

    assert "ZeroDivisionError" in str(event)
    assert "17 characters" in str(event)
    assert SECRET not in str(event)
