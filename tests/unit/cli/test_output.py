"""What commands print."""

from __future__ import annotations

import json

import pytest

from consumer.cli.bars import Bars
from consumer.cli.output import Account, Failure, Printer, Submitted, Written
from consumer.core.failures import ExitCode
from contracts import OutputFormat, Transcript
from tests.make import make_segment, make_transcript

FAILURE = Failure("a.wav", "MEDIA_NO_AUDIO", "nobody — speaks")
SUBMITTED = Submitted("a.wav", "call-1", "s3://media/a.wav")


def printed(
    capsys: pytest.CaptureFixture[str], result: Transcript | Failure, form: OutputFormat, inputs: int = 1
) -> tuple[ExitCode, str, str]:
    with Bars() as bars:
        code = Printer.of(bars, range(inputs), form).result("a.wav", result)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_one_text_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    transcript = make_transcript(make_segment(" One."), make_segment(" Two."))
    assert printed(capsys, transcript, OutputFormat.TXT) == (ExitCode.OK, "One.\nTwo.\n", "")


def test_several_texts_have_titles(capsys: pytest.CaptureFixture[str]) -> None:
    transcript = make_transcript(make_segment(" One."))
    assert printed(capsys, transcript, OutputFormat.TXT, 2)[1] == "==> a.wav <==\nOne.\n\n"


def test_a_document_is_one_line_however_many_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    transcript = make_transcript(make_segment(" One."))
    _, out, _ = printed(capsys, transcript, OutputFormat.JSON, 2)
    assert out.count("\n") == 1
    assert Transcript.model_validate_json(out) == transcript


def test_a_failure_among_texts_is_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, FAILURE, OutputFormat.SRT) == (
        ExitCode.FAILED, "", "steno: a.wav: nobody — speaks (MEDIA_NO_AUDIO)\n",
    )  # fmt: skip


def test_a_failure_among_documents_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = printed(capsys, FAILURE, OutputFormat.JSON)
    assert (code, err) == (ExitCode.FAILED, "")
    assert json.loads(out) == {
        "input": "a.wav", "error": {"code": "MEDIA_NO_AUDIO", "message": "nobody — speaks"},
    }  # fmt: skip


def test_a_message_that_names_its_input_does_not_name_it_twice() -> None:
    assert Failure("a.wav", "INPUT_NOT_FOUND", "a.wav does not exist").line == (
        "steno: a.wav does not exist (INPUT_NOT_FOUND)"
    )


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (OutputFormat.TXT, "call-1\ts3://media/a.wav\n"),
        (OutputFormat.JSON, '{"input": "a.wav", "job_id": "call-1", "uri": "s3://media/a.wav"}\n'),
    ],
)
def test_a_receipt_names_job_and_media(capsys: pytest.CaptureFixture[str], form: OutputFormat, line: str) -> None:
    with Bars() as bars:
        assert Printer.of(bars, ["a.wav"], form).receipt(SUBMITTED) is ExitCode.OK
        assert Printer.of(bars, ["a.wav"], form).receipt(FAILURE) is ExitCode.FAILED
    assert capsys.readouterr().out.startswith(line)


def test_a_line_stays_one_whatever_the_name_holds() -> None:
    odd = "new\nline\x1b[31m\udcff　語.wav"
    shown = r"new\nline\x1b[31m\udcff　語.wav"
    assert Failure(odd, "INPUT_NOT_FOUND", f"{odd} does not exist").line == (
        f"steno: {shown} does not exist (INPUT_NOT_FOUND)"
    )
    written = Written(odd, ("a.srt", "b.srt"), Account("en", 61.2))
    assert written.line == f"{shown}\ta.srt b.srt\t61 s"
    assert written.document.encode()
    assert json.loads(written.document)["input"] == odd


def test_what_was_there_already_is_no_account() -> None:
    written = Written("a.wav", ("a.srt",), None)
    assert json.loads(written.document) == {"input": "a.wav", "files": ["a.srt"], "is_skipped": True}
