"""What the contracts' README shows is true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import contracts
from consumer.core.intake.requests import parse_request
from tests.contract import examples

FOLDER = Path(contracts.__file__).parent
TEXT = (FOLDER / "README.md").read_text("utf-8")


def _block(language: str) -> str:
    block, *_ = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(block)


def test_shown_request_is_valid() -> None:
    assert parse_request(json.loads(_block("json"))).job_id == "call-4711"


def test_shown_reader_takes_an_outcome_once() -> None:
    shown: dict[str, Any] = {}
    exec(_block("python"), shown)  # noqa: S102 - our own README
    completed = examples.read_event("valid", "event-completed")
    assert shown["handle"](*examples.read_event("valid", "event-progress")) is None
    assert shown["handle"](*completed) == "s3://transcripts/calls/call-4711/manifest.json"
    assert shown["handle"](*completed) is None


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert targets
    assert [target for target in targets if not (FOLDER / target).exists()] == []
