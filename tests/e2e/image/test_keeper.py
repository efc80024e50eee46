"""Nothing that a test run makes in the engine outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from docker import DockerClient

from tests.stack.containers import network
from tests.stack.keeper import LABEL, labels, sweep
from tests.waiting import until

RUN = """
import time
from tests.stack.containers import localstack_container, network
with localstack_container() as found:
    print(network(), found.container.get_wrapped_container().id, flush=True)
    time.sleep(600)
"""
NO_PROCESS = 2**22 + 1
"""Beyond the largest id that Linux gives."""


def a_run() -> subprocess.Popen[str]:
    """A run of its own, which says what it made."""
    return subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with its process group"])
async def test_what_a_run_made_goes_with_it_though_it_was_killed(
    engine: DockerClient, kill: Callable[[int, int], None]
) -> None:
    dying = a_run()
    assert dying.stdout is not None
    with dying.stdout:
        its_network, its_container = dying.stdout.readline().split()
    kill(dying.pid, signal.SIGKILL)
    dying.wait(10)

    def is_gone() -> bool:
        containers = engine.containers.list(all=True, filters={"id": its_container}, ignore_removed=True)
        return not containers and not engine.networks.list(names=[its_network])

    await until(is_gone, "all that it made is gone", every_s=0.2)


def test_what_dead_runs_of_this_machine_left_is_swept_and_no_more(engine: DockerClient) -> None:
    host = socket.gethostname()
    owners = {"of the dead": f"{host}:{NO_PROCESS}:1", "of another machine": f"not-{host}:{NO_PROCESS}:1"}
    made = {whose: engine.volumes.create(labels={**labels(), LABEL: owner}).name for whose, owner in owners.items()}
    try:
        network()
        sweep(engine)
        left = {volume.name for volume in engine.volumes.list(filters={"label": LABEL})}
        assert {whose for whose, name in made.items() if name in left} == {"of another machine"}
        assert engine.networks.list(names=[network()])
    finally:
        engine.volumes.get(str(made["of another machine"])).remove()
