"""Completion in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

_ASK = {
    "bash": """
eval "$(steno completion bash)"
compopt() {{ :; }}  # it works only while a line is edited
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
_steno_completion steno
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": """
steno completion fish | source
complete --do-complete '{line}' | string split --fields 1 \\t
true
""",
    "zsh": """
compdef() {{ :; }}  # registers, for which there has to be a line to edit
eval "$(steno completion zsh)"
words=({words}); CURRENT=${{#words}}
compadd() {{ print -l -- ${{(P)@[-1]}} }}
_describe() {{ print -l -- ${{${{(P)@[3]}}%%:*}} }}
_steno_completion
true
""",
}


def completed(shell: str, *words: str, path: Path) -> list[str]:
    """What the shell offers for the last word of a command line."""
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    quoted = " ".join(f"'{word}'" for word in ("steno", *words))
    ended = subprocess.run(
        [shell, *_bare(shell), "-c", _ASK[shell].format(words=quoted, line=" ".join(("steno", *words)))],
        env={"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "HOME": str(path)},
        cwd=path, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert not ended.stderr
    return ended.stdout.split()


def _bare(shell: str) -> Sequence[str]:
    return {"bash": ["--norc", "--noprofile"], "fish": ["--no-config"], "zsh": ["-f"]}[shell]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with `steno` and no settings."""
    steno = tmp_path / "steno"
    steno.write_text(f'#!/bin/sh\nexec {sys.executable} -m consumer "$@"\n')
    steno.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("shell", list(_ASK))
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("do",), ["doctor"]),
        (("topics", "in"), ["init"]),
        (("submit", "--language", "j"), ["ja", "jw"]),
        (("submit", "--formats", "json,v"), ["json,vtt"]),
        (("submit", "--model", "large-v3"), ["large-v3", "large-v3-turbo"]),
        (("sing", "--lo"), []),
    ],
)
def test_a_shell_completes(shell: str, words: tuple[str, ...], expected: list[str], commands: Path) -> None:
    assert completed(shell, *words, path=commands) == expected


def test_a_base_install_completes_without_a_word_about_extras(commands: Path) -> None:
    steno = commands / "steno"
    missing = "import sys; sys.modules['faster_whisper'] = None; from consumer.__main__ import main; main()"
    steno.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{missing}" "$@"\n')
    assert completed("bash", "transcribe", "--la", path=commands) == []
