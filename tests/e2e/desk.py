"""`steno dlq` as an operator of a deployment runs it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

from tests.e2e.fleet import Deployment


async def dlq(deployment: Deployment, *arguments: str) -> list[dict[str, Any]]:
    """What a command of the desk prints."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "dlq", *arguments, "--json",
        env=deployment.environment(), cwd=deployment.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await running.communicate()
    assert (running.returncode, err) == (0, b"")
    return [json.loads(line) for line in out.splitlines()]
