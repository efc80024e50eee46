"""What is said about a child that has ended."""

from __future__ import annotations

import pytest

from consumer.children.ending import describe_end


@pytest.mark.parametrize(
    ("status", "stderr", "expected"),
    [
        (-9, "", "the engine process was ended by SIGKILL"),
        (-6, "warning\nno libcudnn_ops", "the engine process was ended by SIGABRT: no libcudnn_ops"),
        (-40, "", "the engine process was ended by signal 40"),
        (1, "Traceback\nImportError: x", "the engine process ended with exit code 1: ImportError: x"),
    ],
)
def test_an_end_is_told_by_signal_or_exit_code_and_last_words(status: int, stderr: str, expected: str) -> None:
    assert describe_end("the engine process", status, stderr) == expected
