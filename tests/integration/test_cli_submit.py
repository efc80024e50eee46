"""`steno submit` on a real broker and a real store: from inputs to requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode
from consumer.settings import Settings
from tests.integration.submission import furnished, requests, submit
from tests.speech import SHORT

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.fixture
async def settings(kafka: str, unique: str, bucket: str) -> Settings:
    return await furnished(kafka, unique, bucket)


async def test_each_input_gets_a_request_and_a_line_in_input_order(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "missing.wav"
    code = await submit(
        settings, "--json", "--language", "en", "--metadata", "case=17", SHORT.path, missing, "s3://media/a.mp3"
    )
    assert code == ExitCode.FAILED
    first, failed, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert failed["input"] == str(missing)
    assert failed["error"]["code"] == "INPUT_NOT_FOUND"
    assert first["uri"].startswith(settings.s3.uploads)
    assert second["uri"] == "s3://media/a.mp3"
    published = {request.job_id: request for request in await requests(settings, 2)}
    assert published[first["job_id"]].input.uri == first["uri"]
    assert published[second["job_id"]].options.language == "en"
    assert published[second["job_id"]].metadata == {"case": "17"}


async def test_without_json_a_line_is_the_job_and_its_media(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await submit(settings, "--job-id", "call-1", "s3://media/a.mp3") == ExitCode.OK
    assert capsys.readouterr().out == "call-1\ts3://media/a.mp3\n"


async def test_a_thousand_files_at_once(settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.wav").write_bytes(b"sound")
    assert await submit(settings, "--json", tmp_path) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["input"] for line in lines] == [f"{tmp_path}/{number:04}.wav" for number in range(1000)]
    published = {request.job_id: request.input.uri for request in await requests(settings, 1000)}
    assert published == {line["job_id"]: line["uri"] for line in lines}


async def test_what_is_named_twice_is_submitted_once(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a\nb%.wav"
    file.write_bytes(b"sound")
    assert await submit(settings, "--json", file, f"{tmp_path}/*.wav", tmp_path, "s3://media/last.mp3") == ExitCode.OK
    first, *others, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert others == [first, first]
    assert {request.job_id for request in await requests(settings, 2)} == {first["job_id"], last["job_id"]}


async def test_written_requests_are_published_with_what_the_flags_say(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    documents = [
        {"job_id": f"call-{number}", "input": {"uri": f"s3://media/{number}.mp3"}, "options": {"beam_size": number},
         "callback": "https://a"}
        for number in (1, 2)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, documents)))
    assert await submit(settings, "--request", file, "--language", "de", "s3://media/0.mp3") == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1:] == ["call-1\ts3://media/1.mp3", "call-2\ts3://media/2.mp3"]
    assert captured.err == f"steno: {file}:1: callback: no such name, left out. It stands in 1 more.\n"
    published = {request.job_id: request.options for request in await requests(settings, 3)}
    assert (published["call-2"].beam_size, published["call-2"].language) == (2, "de")
