"""The error vocabulary: closed for us, told to others in full."""

from __future__ import annotations

import re
from pathlib import Path

import contracts
from contracts import VERDICTS, ErrorCode

CONTRACTS = Path(contracts.__file__).parent


def test_every_code_has_a_verdict() -> None:
    assert set(VERDICTS) == set(ErrorCode)


def test_codes_are_their_names() -> None:
    assert all(code.value == code.name for code in ErrorCode)


def test_the_contracts_readme_tells_every_code_with_its_verdict() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \| .+ \|$", (CONTRACTS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [(code.value, VERDICTS[code].value) for code in ErrorCode]


def test_the_readme_tells_every_code_with_its_verdict_and_what_to_do() -> None:
    _, _, section = (CONTRACTS.parent / "README.md").read_text("utf-8").partition("\n### Codes\n")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \| [^|]+ \| ([^|]*)\|$", section.partition("\n##")[0], re.MULTILINE)
    assert [row[:2] for row in rows] == [(code.value, VERDICTS[code].value) for code in ErrorCode]
    assert [code for code, verdict, advice in rows if verdict != "final" and not advice] == []
