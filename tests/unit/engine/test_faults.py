"""Foreign errors get a code, and never quote the transcript."""

from __future__ import annotations

import ctranslate2
import faster_whisper
import onnxruntime.capi.onnxruntime_pybind11_state as onnx  # type: ignore[import-untyped]  # has none
import pytest
import tokenizers
from pydantic import TypeAdapter, ValidationError

from consumer.engine.faults import ROWS, classify, row_of
from contracts.errors import ErrorCode


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RuntimeError("CUDA failed with error out of memory"), ErrorCode.GPU_OUT_OF_MEMORY, "ran out of memory: CUDA"),
        (RuntimeError("cuBLAS failed with status 14"), ErrorCode.INTERNAL, "the engine failed: cuBLAS"),
        (ValueError("'xx' is not a valid language code"), ErrorCode.REQUEST_INVALID, "refuses these options: 'xx'"),
        (ValueError("The beam size must be > 0"), ErrorCode.REQUEST_INVALID, "refuses these options: The beam size"),
        (ValueError("operands of what was said"), ErrorCode.INTERNAL, "the engine failed with ValueError"),
        (MemoryError(), ErrorCode.GPU_OUT_OF_MEMORY, "the engine process ran out of memory"),
        (onnx.RuntimeException("Failed to allocate memory"), ErrorCode.GPU_OUT_OF_MEMORY, "ran out of memory"),
        (onnx.Fail("what was said"), ErrorCode.INTERNAL, "the engine failed with Fail"),
        (KeyError("what was said, out of memory"), ErrorCode.INTERNAL, "the engine failed with KeyError"),
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


@pytest.mark.parametrize(
    ("text", "is_lost"),
    [
        ("CUDA failed with error an illegal memory access was encountered", True),
        ("CUDA failed with error unspecified launch failure", True),
        ("CUDA failed with error device-side assert triggered", True),
        ("CUDA failed with error uncorrectable ECC error encountered", True),
        ("cuBLAS failed with status CUBLAS_STATUS_EXECUTION_FAILED", True),
        ("CUDA failed with error out of memory", False),
        ("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED", False),
        ("cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED", False),
        ("CUDA failed with error no kernel image is available for execution on the device", False),
    ],
)
def test_a_lost_device_ends_its_process(text: str, is_lost: bool) -> None:  # noqa: FBT001  # a column
    assert row_of(RuntimeError(text)).ends_process is is_lost


def test_every_error_of_the_engine_has_a_row() -> None:
    """faster-whisper, CTranslate2 and the tokenizers have no classes of their own; onnxruntime has."""
    for module in (ctranslate2, faster_whisper, tokenizers):
        assert [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Exception)] == []
    theirs = [kind for kind in vars(onnx).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert theirs
    assert {kind.__bases__ for kind in theirs} == {(Exception,)}
    assert ROWS[-1].kinds == (Exception,)


@pytest.mark.parametrize("words", [words for row in ROWS for words in row.words])
def test_a_word_is_found_as_it_stands_in_the_libraries(words: str) -> None:
    assert words == words.lower()


def test_a_long_message_is_cut() -> None:
    assert len(classify(RuntimeError("x" * 10_000))[1]) < 600
