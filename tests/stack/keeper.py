"""Removes what a test run made in the engine when the run is over, however it ends.

Everything that a run makes bears its label. A process beside the run waits for the end of its own standard input,
which every death of the run brings about, SIGKILL included, and then removes what bears the label. Where that process
died as well, the next run sweeps.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

import docker
from docker import DockerClient
from docker.errors import APIError, NotFound
from testcontainers.core.docker_client import get_docker_host

_REMOVAL_S: Final = 60.0
LABEL: Final = "io.steno.test-run"
_START_TIME: Final = 19
"""Among the fields of /proc/PID/stat after the command's name: a process id is used again, not with this beside it."""


@cache
def owner() -> str:
    """This run: host, process and when the process started."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def labels() -> dict[str, str]:
    """What everything that this run makes in the engine must bear."""
    return {LABEL: owner()}


@cache
def keep() -> None:
    """Starts the process that removes what this run leaves; the end of this process waits for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stack.keeper", owner()],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        start_new_session=True,  # or what kills our process group kills it first
    )
    atexit.register(process.communicate, timeout=_REMOVAL_S)


def sweep(client: DockerClient) -> None:
    """Removes what runs of this host left that are dead."""
    for found in _owners(client):
        host, pid, started = found.rsplit(":", 2)
        if host == socket.gethostname() and _started(int(pid)) != started:
            remove(client, found)


def remove(client: DockerClient, whose: str) -> None:
    """Removes the containers of a run with their volumes, then its networks, named volumes and images."""
    mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={whose}"}
    for container in client.containers.list(all=True, filters=mine, ignore_removed=True):
        with contextlib.suppress(NotFound, APIError):
            container.remove(force=True, v=True)
    for network in client.networks.list(filters=mine):
        with contextlib.suppress(NotFound, APIError):
            network.remove()
    for volume in client.volumes.list(filters=mine):
        with contextlib.suppress(NotFound, APIError):
            volume.remove(force=True)
    for image in client.images.list(filters=mine):
        with contextlib.suppress(NotFound, APIError):
            client.images.remove(str(image.id), force=True)


def _owners(client: DockerClient) -> set[str]:
    containers = client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    found = {container.labels[LABEL] for container in containers}
    for network in client.networks.list(filters={"label": LABEL}):
        found.add((network.attrs or {})["Labels"][LABEL])
    for volume in client.volumes.list(filters={"label": LABEL}):
        found.add((volume.attrs or {})["Labels"][LABEL])
    found |= {image.labels[LABEL] for image in client.images.list(filters={"label": LABEL})}
    return found


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; the empty text where there is none, or no /proc."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123  # gone any time
            return stat.read().rpartition(")")[2].split()[_START_TIME]
    except OSError:
        return ""


def main() -> None:
    """Waits for end-of-file, then removes what the run named in the arguments left."""
    sys.stdin.buffer.read()
    host = get_docker_host()
    remove(docker.DockerClient(base_url=host) if host else docker.from_env(), sys.argv[1])


if __name__ == "__main__":
    main()
