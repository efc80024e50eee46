"""How jobs are named on the command line, and what is no name."""

from __future__ import annotations

import pytest

from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.settings import Settings


def unreachable() -> Settings:
    raise AssertionError("misuse is noticed before settings are read")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["status"], "Missing argument 'JOB_ID…'."),
        (["status", "a", "a/b"], "'a/b' is no job id"),
        (["status", "a", "--tenant", "-"], "'-' is no tenant"),
        (["cancel"], "Missing argument 'JOB_ID…'."),
        (["cancel", ""], "'' is no job id"),
        (["cancel", "a", "--reason", "x" * 1025], "'--reason': at most 1024 characters."),
        (["jobs", "--tenant", "a/b"], "'a/b' is no tenant"),
        (["jobs", "--state", "done"], "'done' is not one of"),
        (["jobs", "--limit", "0"], "0 is not in the range x>=1."),
        (["jobs", "--since", "yesterday"], "is neither a time"),
        (["watch", "--tenant", ".."], "'..' is no tenant"),
    ],
)
def test_misuse_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments, unreachable) == ExitCode.MISUSE
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
