"""Foreign errors get a code, and never quote the transcript."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from consumer.engine.faults import classify
from contracts.errors import ErrorCode


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RuntimeError("CUDA failed with error out of memory"), ErrorCode.GPU_OUT_OF_MEMORY, "ran out of memory: CUDA"),
        (RuntimeError("cuBLAS failed with status 14"), ErrorCode.INTERNAL, "the engine failed: cuBLAS"),
        (ValueError("'xx' is not a valid language code"), ErrorCode.REQUEST_INVALID, "refuses these options: 'xx'"),
        (KeyError("what was said"), ErrorCode.INTERNAL, "the engine failed with KeyError"),
        (UnicodeDecodeError("utf-8", b"what was said", 0, 1, "bad"), ErrorCode.INTERNAL, "UnicodeDecodeError"),
    ],
)
def test_each_error_has_a_code(error: Exception, code: ErrorCode, message: str) -> None:
    found, text = classify(error)
    assert found is code
    assert message in text
    assert "what was said" not in text


def test_a_validation_error_is_ours_and_tells_its_place_but_no_content() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("what was said")
    code, text = classify(caught.value)
    assert code is ErrorCode.INTERNAL
    assert "what was said" not in text
    assert " at type_adapter.py:" in text


def test_a_long_message_is_cut() -> None:
    assert len(classify(RuntimeError("x" * 10_000))[1]) < 600
