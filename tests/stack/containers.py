"""Broker and store as containers: Redpanda and LocalStack, in one network, reachable from it and from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import requests
from docker.errors import DockerException
from testcontainers.community.kafka import RedpandaContainer
from testcontainers.community.localstack import LocalStackContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerConnectException, ContainerStartException
from testcontainers.core.wait_strategies import HttpWaitStrategy, LogMessageWaitStrategy

from tests.stack.engine import engine, obtain
from tests.stack.keeper import labels
from tests.stack.service import ImpairedServiceError, free_ports

REDPANDA: Final = "redpandadata/redpanda:v26.2.1"
LOCALSTACK: Final = "localstack/localstack:4.14.0"
REDPANDA_IMAGE: Final = os.environ.get("REDPANDA_IMAGE") or REDPANDA
LOCALSTACK_IMAGE: Final = os.environ.get("LOCALSTACK_IMAGE") or LOCALSTACK
"""By the variables of docker-compose.yml."""
_START_S: Final = 90
_POLL_S: Final = 0.2
_INSIDE_PORT: Final = 29092
_PROPERTIES: Final = {
    "auto_create_topics_enabled": "false",
    "group_initial_rebalance_delay": "0",
    "group_min_session_timeout_ms": "500",
    "segment_fallocation_step": "1048576",
    "topic_memory_per_partition": "16384",
    "topic_partitions_per_shard": "5000",
    "write_caching_default": "false",
}
"""Cluster properties of Redpanda beside those of its mode for development.

No topic that is only asked for, no waiting for members that come and go, room for the topics of a whole run (each test
has its own), and no record acknowledged before it is kept.
"""
_FAULTS: Final = (
    DockerException, requests.RequestException, ContainerStartException, ContainerConnectException, TimeoutError,
)  # fmt: skip


@dataclass(frozen=True)
class Contained:
    """A service in a container: where it is from here, and from other containers of `network()`."""

    container: DockerContainer
    outside: str
    inside: str

    @property
    def name(self) -> str:
        """What it is, and whether somebody published it."""
        image = engine().images.get(self.container.image)
        return f"{self.container.image} in a container{'' if image.attrs['RepoDigests'] else ' (an image built here)'}"


@cache
def network() -> str:
    """The name of the network that the containers of this run share."""
    name = f"steno-test-{os.getpid()}"
    engine().networks.create(name, labels=labels())
    return name


@contextmanager
def redpanda_container(alias: str = "redpanda") -> Iterator[Contained]:
    """Redpanda, one node, addresses as host:port.

    Args:
        alias: its name in the network; another one for each that runs beside it.
    """
    obtain(REDPANDA_IMAGE)
    (port,) = free_ports(1)
    container = _Redpanda(REDPANDA_IMAGE, alias).with_bind_ports(9092, port)
    with _up(container, alias):
        yield Contained(container, container.get_bootstrap_server(), f"{alias}:{_INSIDE_PORT}")


@contextmanager
def localstack_container(alias: str = "localstack") -> Iterator[Contained]:
    """LocalStack with nothing but S3, addresses as URLs."""
    obtain(LOCALSTACK_IMAGE)
    container = _LocalStack(LOCALSTACK_IMAGE, region_name="us-east-1").with_services("s3")
    container.with_env("DISABLE_EVENTS", "1").with_env("SKIP_SSL_CERT_DOWNLOAD", "1")
    container.with_env("LOCALSTACK_HOST", f"{alias}:4566")
    with _up(container, alias):
        yield Contained(container, container.get_url(), f"http://{alias}:4566")


class _Redpanda(RedpandaContainer):
    """Redpanda with a listener for other containers and properties of ours."""

    def __init__(self, image: str, alias: str) -> None:
        super().__init__(image)
        self._alias = alias

    def start(self, timeout: int = _START_S) -> _Redpanda:
        """As the class above does, but the broker is the container's first process and gets its signals."""
        script = self.TC_START_SCRIPT
        self.with_command(["-c", f"while [ ! -f {script} ]; do sleep 0.1; done; exec sh {script}"])
        DockerContainer.start(self)
        self.tc_start()
        started = LogMessageWaitStrategy(self.wait_for).with_startup_timeout(timeout).with_poll_interval(_POLL_S)
        started.wait_until_ready(self)
        return self

    def tc_start(self) -> None:
        """Writes the script that the container waits for: only now is the port known that it must advertise."""
        settings = " ".join(f"--set redpanda.{name}={value}" for name, value in _PROPERTIES.items())
        script = (
            "#!/bin/sh\n"
            "exec /usr/bin/rpk redpanda start --mode dev-container --smp 1 --memory 1G"
            f" --kafka-addr INSIDE://0.0.0.0:{_INSIDE_PORT},OUTSIDE://0.0.0.0:9092"
            f" --advertise-kafka-addr INSIDE://{self._alias}:{_INSIDE_PORT},OUTSIDE://{self.get_bootstrap_server()}"
            f" {settings}\n"
        )
        self.create_file(script.encode(), self.TC_START_SCRIPT)


class _LocalStack(LocalStackContainer):
    """LocalStack, awaited in the way that testcontainers recommends and its own class does not take."""

    def start(self, timeout: float = _START_S) -> _LocalStack:
        ready = HttpWaitStrategy(self.edge_port, "/_localstack/health").with_startup_timeout(int(timeout))
        DockerContainer.start(self.waiting_for(ready.with_poll_interval(_POLL_S)))
        return self


@contextmanager
def _up(container: DockerContainer, alias: str) -> Iterator[None]:
    container.with_name(f"{network()}-{alias}").with_kwargs(
        **container._kwargs,
        labels=labels(),
        network=network(),
        networking_config={network(): engine().api.create_endpoint_config(aliases=[alias])},
    )
    try:
        container.start()
    except _FAULTS as exc:
        container.stop()
        raise ImpairedServiceError(
            f"{container.image} does not start: {str(exc).strip().partition(chr(10))[0]}"
        ) from exc
    try:
        yield
    finally:
        container.stop()
