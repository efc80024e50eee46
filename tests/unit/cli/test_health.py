"""What `steno health` makes of answers, and of what is set."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.cli.ending import run
from consumer.cli.health import HOST, PORT, Answer, failing_checks, line_of
from consumer.core.failures import ExitCode, FatalError
from consumer.settings import HealthSettings, Settings


def no_settings() -> Settings:
    raise FatalError(ExitCode.BAD_SETTINGS, "STENO_HEALTH__PORT: write a whole number")


def test_what_it_asks_unless_told_is_what_a_worker_listens_on_unless_told() -> None:
    settings = HealthSettings()
    assert (settings.host, settings.port) == (HOST, PORT)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer(200, b""), "ready"),
        (Answer(503, b'{"checks": {"a": true, "b": false, "c": false}}'), "not ready: b, c"),
        (Answer(503, b"[]"), "HTTP 503: something else than a worker listens there; see STENO_HEALTH__PORT"),
        (Answer(404, b"\xff"), "HTTP 404: something else than a worker listens there; see STENO_HEALTH__PORT"),
    ],
)
def test_an_answer_is_one_line(answer: Answer, line: str) -> None:
    assert line_of(answer, asks_life=False) == line


def test_checks_that_fail_are_told_in_their_order() -> None:
    assert failing_checks(b'{"checks": {"z": false, "a": false}}') == ["z", "a"]


@pytest.mark.parametrize("port", ["eight", "-1", "65536", "8e3"])
def test_a_port_that_is_none_is_judged_as_a_setting(
    port: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STENO_HEALTH__PORT", port)
    assert run(["health"], no_settings) == ExitCode.BAD_SETTINGS
    assert capsys.readouterr().err == "steno: STENO_HEALTH__PORT: write a whole number\n"


def test_the_file_counts_where_the_environment_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("steno_health__port", "")
    Path(".env").write_text("steno_health__port=0\n", "utf-8")
    assert run(["health"], no_settings) == ExitCode.FAILED
    assert "STENO_HEALTH__PORT is 0" in capsys.readouterr().err
