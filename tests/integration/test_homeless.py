"""Commands of a user whom the system does not know, as containers start them: no name, no home, nowhere to write."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from consumer.core.failures import ExitCode

BEREFT: str = """
import os, pwd, tempfile
def unknown(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
tempfile._get_default_tempdir = lambda: (_ for _ in ()).throw(FileNotFoundError(2, "No usable temporary directory"))
from consumer.__main__ import main
main()
"""


async def steno(*arguments: str, folder: Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEREFT, *arguments, env={"PATH": os.environ["PATH"]}, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        printed, complaint = await process.communicate()
    return process.returncode or 0, printed.decode(), complaint.decode()


async def test_settings_hold_without_home_and_temporary_folder(tmp_path: Path) -> None:
    code, printed, complaint = await steno("config", "check", folder=tmp_path)
    assert (code, complaint) == (ExitCode.OK, "")
    told = dict(line.split()[:2] for line in printed.splitlines() if line.startswith("STENO_"))
    assert (told["STENO_MODELS__DIR"], told["STENO_SCRATCH__DIR"]) == ("/.cache/steno/models", "/tmp")


@pytest.mark.parametrize("arguments", [["languages"], ["models", "list"], ["--help"]])
async def test_commands_that_need_neither_work(arguments: list[str], tmp_path: Path) -> None:
    code, printed, complaint = await steno(*arguments, folder=tmp_path)
    assert (code, complaint, bool(printed)) == (ExitCode.OK, "", True)
