"""What `steno languages` lists."""

from __future__ import annotations

import json

import pytest

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import Settings
from contracts.languages import LANGUAGES


def test_each_code_has_its_english_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["languages"], Settings) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(LANGUAGES)
    assert "de   German" in lines


def test_a_document_a_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["languages", "--json"], Settings) == ExitCode.OK
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"code": "yue", "name": "Cantonese"} in documents
    assert len(documents) == len(LANGUAGES)
