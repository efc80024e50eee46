"""`steno health` against the endpoints of a worker."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from functools import partial

import pytest

from consumer.adapters.health import HealthServer
from consumer.core.failures import ExitCode


async def health(port: int, *flags: str, **settings: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command for a worker on this port."""
    variables = {"STENO_HEALTH__PORT": str(port), **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "consumer", "health", *flags, env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        printed, complaint = await process.communicate()
    return process.returncode or 0, printed.decode(), complaint.decode()


def serving(**ready: bool) -> HealthServer:
    checks = {name: partial(bool, holds) for name, holds in ready.items()}
    return HealthServer("127.0.0.1", 0, live={"engine_supervised": lambda: True}, ready=checks)


async def test_a_worker_that_takes_work_is_exit_code_0() -> None:
    async with serving(model_loaded=True) as server:
        assert await health(server.port) == (ExitCode.OK, "ready\n", "")


async def test_a_worker_that_takes_none_is_exit_code_1_and_tells_what_lacks() -> None:
    async with serving(model_loaded=True, group_joined=False, accepting=False) as server:
        assert await health(server.port) == (ExitCode.FAILED, "not ready: group_joined, accepting\n", "")


async def test_a_worker_that_is_not_ready_is_alive() -> None:
    async with serving(group_joined=False) as server:
        assert await health(server.port, "--live") == (ExitCode.OK, "alive\n", "")


async def test_the_document_is_printed_as_the_worker_gives_it() -> None:
    async with serving(group_joined=False) as server:
        code, printed, _ = await health(server.port, "--json")
    assert (code, json.loads(printed)["checks"]) == (ExitCode.FAILED, {"group_joined": False})


@pytest.mark.parametrize("host", ["x..y", 70 * "x", "ünï..x"])
async def test_a_name_that_no_host_can_have_is_exit_code_1(host: str) -> None:
    code, _, complaint = await health(1, STENO_HEALTH__HOST=host)
    assert (code, complaint.count("\n")) == (ExitCode.FAILED, 1)
    assert complaint.startswith(f"steno: nobody answers at http://{host}:1/readyz")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::1]", "localhost"])  # noqa: S104 - nothing is bound here
async def test_a_worker_that_listens_on_every_address_is_asked_on_loopback(host: str) -> None:
    ready = {"model_loaded": lambda: True}
    bound = {"::": "::1", "[::1]": "::1"}.get(host, "127.0.0.1")
    async with HealthServer(bound, 0, live={}, ready=ready) as server:
        assert (await health(server.port, STENO_HEALTH__HOST=host))[0] == ExitCode.OK


async def test_nobody_there_is_exit_code_1_with_a_way_out() -> None:
    with socket.socket() as held:  # bound and not listening: nobody else gets the port meanwhile
        held.bind(("127.0.0.1", 0))
        code, printed, complaint = await health(held.getsockname()[1])
    assert (code, printed) == (ExitCode.FAILED, "")
    assert complaint.startswith("steno: nobody answers at http://127.0.0.1:")
    assert complaint.endswith("/readyz (Connection refused); is a worker running, with the same STENO_HEALTH__*?\n")


async def test_somebody_who_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, _, complaint = await health(silent.getsockname()[1], "--timeout", "0.2")
    assert (code, "(no answer in time)" in complaint) == (ExitCode.FAILED, True)


async def test_a_port_that_nobody_can_know_is_told() -> None:
    code, _, complaint = await health(0)
    assert (code, "STENO_HEALTH__PORT is 0" in complaint) == (ExitCode.FAILED, True)
