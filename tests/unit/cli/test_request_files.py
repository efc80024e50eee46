"""What is taken from files of requests, and what is said of those that cannot be taken."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from consumer.cli.request_files import passed_over, read_requests
from contracts.requests import Input, Options, Output, TranscriptionRequest

NO_FLAGS = TranscriptionRequest(input=Input(uri="s3://media/stand-in"), options=Options(), output=Output(), metadata={})
MEDIA = "s3://media/a.mp3"
GOOD = {"input": {"uri": MEDIA}}


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "r.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def flags(**fields: Any) -> TranscriptionRequest:
    return TranscriptionRequest.model_validate({"input": {"uri": "s3://media/stand-in"}, **fields}, strict=False)


def test_one_request_may_take_several_lines(tmp_path: Path) -> None:
    file = written(tmp_path, json.dumps({**GOOD, "job_id": "a"}, indent=2))
    [found] = read_requests([file], NO_FLAGS)
    assert (found.where, found.request.job_id, found.request.input.uri) == (file, "a", MEDIA)


def test_several_stand_one_a_line_whatever_ends_the_lines(tmp_path: Path) -> None:
    lines = "\ufeff" + "".join(json.dumps({**GOOD, "job_id": each}) + "\r\n" for each in "abc") + "\n"
    file = written(tmp_path, lines)
    found = read_requests([file], NO_FLAGS)
    assert [(each.where, each.request.job_id) for each in found] == [
        (f"{file}:1", "a"), (f"{file}:2", "b"), (f"{file}:3", "c")
    ]  # fmt: skip


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    request = {**GOOD, "metadata": {"case": "a\u2028b\x85c"}}
    file = written(tmp_path, json.dumps(request, ensure_ascii=False) + "\n" + json.dumps(GOOD))
    assert [each.request.metadata for each in read_requests([file], NO_FLAGS)] == [request["metadata"], {}]


def test_standard_input_is_a_file_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(GOOD).encode())))
    assert [each.where for each in read_requests(["-"], NO_FLAGS)] == ["standard input"]


def test_flags_go_before_what_is_written(tmp_path: Path) -> None:
    request = {
        **GOOD, "options": {"language": "en", "beam_size": 2}, "output": {"formats": ["srt"]},
        "metadata": {"a": "1", "b": "1"},
    }  # fmt: skip
    said = flags(
        deadline="2130-01-01T00:00:00Z",
        options={"language": "de"},
        output={"uri": "s3://texts/x/"},
        metadata={"b": "2"},
        correlation_id="c",
    )
    [found] = read_requests([written(tmp_path, json.dumps(request))], said)
    made = found.request
    assert (made.options.language, made.options.beam_size) == ("de", 2)
    assert (made.output.uri, made.output.formats) == ("s3://texts/x/", ("srt",))
    assert (made.metadata, made.correlation_id) == ({"a": "1", "b": "2"}, "c")
    assert made.input.uri == MEDIA
    assert made.deadline == datetime(2130, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ": holds no request."),
        ("\n \n", ": holds no request."),
        ("{\n  'input': 1}", ":2: no JSON: Expecting property name enclosed in double quotes at column 3."),
        (json.dumps(GOOD) + "\n{,}", ":2: no JSON: Expecting property name enclosed in double quotes at column 2."),
        ('{"input": {"uri": "s3://media/a", "uri": "s3://media/b"}}', ": no JSON: the name 'uri' stands twice"),
        ("\n\n{\n'a'}", ":4: no JSON: "),
        ("[]", ": expected one request, a JSON object with 'input'"),
        (json.dumps(GOOD) + "\n7", ":2: expected one request"),
        ("{}", ": input: field required."),
        (json.dumps(GOOD) + '\n{"input": {"uri": "media/a.mp3"}}', ":2: input.uri: expected s3://bucket/key."),
        (json.dumps({**GOOD, "options": {"langage": "en"}}), ": options.langage: "),
        (json.dumps({**GOOD, "job_id": 7}), ": job_id: "),
        (json.dumps({**GOOD, "schema_version": 2}), ": schema_version: "),
        (json.dumps({**GOOD, "options": {"temperature": [float("nan")]}}), ": options.temperature.0: "),
        ("[" * 100_000, ": no JSON: nested too deeply."),
        ('{"input": ' + "9" * 5000 + "}", ": no JSON: "),
        (b'{"input": "\xff"}', ": is no text in UTF-8 (byte 11)."),
        (b"\xff\xfe{\x00", ": is no text in UTF-8 (byte 0)."),
        ('{"input": {"uri": "s3://media/\\ud800"}}', ": a text holds half a character"),
        (json.dumps({**GOOD, "metadata": {"a": "x" * 10_000_000}}), ": metadata holds 10000001 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_field(text: str | bytes, complaint: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(click.UsageError) as caught:
        read_requests([file], NO_FLAGS)
    assert caught.value.message.startswith(file)
    assert complaint in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def test_names_outside_the_options_may_be_others_and_are_told_once(tmp_path: Path) -> None:
    requests = [
        {**GOOD, "callback": "https://a"},
        {**GOOD, "callback": "https://b", "otions": {}},
        {"input": {"uri": MEDIA, "urii": 1}, "output": {"odd\n": 1, "x" * 5000: 1}},
    ]
    file = written(tmp_path, "\n".join(map(json.dumps, requests)))
    found = read_requests([file], NO_FLAGS)
    assert [each.request.input.uri for each in found] == [MEDIA] * 3
    assert list(passed_over(found)) == [
        f"{file}:1: callback: no such name, left out. It stands in 1 more.",
        f"{file}:2: otions: no such name, left out; did you mean 'options'?",
        f"{file}:3: input.urii: no such name, left out; did you mean 'input.uri'?",
        f"{file}:3: output.odd\\n: no such name, left out.",
        f"{file}:3: output.{'x' * 100}: no such name, left out.",
    ]


def test_flags_that_do_not_fit_a_request_name_it(tmp_path: Path) -> None:
    file = written(tmp_path, json.dumps({**GOOD, "options": {"mode": "batched"}}))
    with pytest.raises(click.UsageError, match=r"r\.json: options: batched mode needs"):
        read_requests([file], flags(options={"vad": False}))


def test_every_fault_is_told_but_not_a_thousand(tmp_path: Path) -> None:
    file = written(tmp_path, "{}\n" * 1000)
    with pytest.raises(click.UsageError) as caught:
        read_requests([file, str(tmp_path / "missing")], NO_FLAGS)
    lines = caught.value.message.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (11, f"{file}:1: input: field required.", "… and 991 more.")


def test_two_tenants_may_use_one_job_id(tmp_path: Path) -> None:
    file = written(tmp_path, "".join(json.dumps({**GOOD, "job_id": "a", "tenant": each}) + "\n" for each in "xy"))
    assert [each.request.tenant for each in read_requests([file], NO_FLAGS)] == ["x", "y"]


def test_a_job_id_names_one_request(tmp_path: Path) -> None:
    file = written(tmp_path, (json.dumps({**GOOD, "job_id": "a"}) + "\n") * 2)
    with pytest.raises(click.UsageError, match=r"r.json:2: job_id 'a' stands at .*r.json:1, too\.$"):
        read_requests([file], NO_FLAGS)
