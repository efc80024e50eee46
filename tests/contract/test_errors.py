"""The error vocabulary: closed for us, told to others in full."""

from __future__ import annotations

import re
from pathlib import Path

import contracts
from contracts import VERDICTS, ErrorCode

README = Path(contracts.__file__).parent / "README.md"


def test_every_code_has_a_verdict() -> None:
    assert set(VERDICTS) == set(ErrorCode)


def test_codes_are_their_names() -> None:
    assert all(code.value == code.name for code in ErrorCode)


def test_readme_tells_every_code_with_its_verdict() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \| .+ \|$", README.read_text("utf-8"), re.MULTILINE)
    assert rows == [(code.value, VERDICTS[code].value) for code in ErrorCode]
