"""A Kafka broker for tests: the one named in the environment, else Redpanda in a container, else Apache Kafka."""

from __future__ import annotations

import os
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stack.containers import Contained, redpanda_container
from tests.stack.maven import jars, run, tool
from tests.stack.service import Holder, MissingServiceError, free_ports, listens, running, work_directory

ADDRESS_VARIABLE: Final = "STENO_TEST_KAFKA"
APACHE_KAFKA: Final = "Apache Kafka 4.3.0"
_RECIPE: Final = Path(__file__).parent / "kafka"
_JVM: Final = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
log.dirs={directory}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.enable=false
"""


@dataclass(frozen=True)
class KafkaSetup:
    """What a broker of ours has beyond the usual."""

    listeners: Mapping[str, tuple[str, int]]
    """Security protocol and port by name; one is called `plaintext`."""
    properties: str = ""
    users: Sequence[str] = ()
    """As `--add-scram` takes them."""


@dataclass(frozen=True)
class Broker:
    """Where the broker is and what it is."""

    bootstrap: str
    name: str
    service: Holder | None = None
    """The process above the broker's; None where it is none of ours."""
    contained: Contained | None = None
    """The container that it is in."""

    @property
    def holder(self) -> int | None:
        """The id of the process above the broker's."""
        return self.service.process.pid if self.service else None


@contextmanager
def given_broker() -> Iterator[Broker]:
    """The broker whose address stands in the environment."""
    address = os.environ.get(ADDRESS_VARIABLE)
    if not address:
        raise MissingServiceError(f"{ADDRESS_VARIABLE} is not set")
    yield Broker(address, f"the Kafka broker at {address}")


@contextmanager
def redpanda() -> Iterator[Broker]:
    """Redpanda, one node in a container."""
    with redpanda_container() as found:
        yield Broker(found.outside, found.name, contained=found)


@contextmanager
def apache_kafka() -> Iterator[Broker]:
    """Apache Kafka from Maven, one KRaft node as a process of ours."""
    (port,) = free_ports(1)
    with running_kafka(KafkaSetup({"plaintext": ("PLAINTEXT", port)})) as holder:
        yield Broker(f"127.0.0.1:{port}", APACHE_KAFKA, holder)


@contextmanager
def running_kafka(setup: KafkaSetup) -> Iterator[Holder]:
    """Apache Kafka with these listeners; enters with the process above the broker's."""
    java, library = tool("java"), jars(_RECIPE)
    (controller,) = free_ports(1)
    with work_directory() as directory:
        properties = directory / "server.properties"
        properties.write_text(_text(setup, controller, directory), "ascii")
        command = [java, *_JVM, "-cp", f"{library}/*"]
        _format(command, properties, setup.users)
        environment = {"PATH": os.environ["PATH"]}
        service = [*command, "kafka.Kafka", str(properties)]
        ports = [port for _, port in setup.listeners.values()]
        with running(service, directory, environment, lambda: all(map(listens, ports))) as holder:
            yield holder


PROVIDERS: Final[Sequence[Callable[[], AbstractContextManager[Broker]]]] = (given_broker, redpanda, apache_kafka)
"""In order of preference."""


def _text(setup: KafkaSetup, controller: int, directory: Path) -> str:
    # A certificate is for a name; who connects to the address is sent on to the same socket.
    listeners = (f"{name.upper()}://127.0.0.1:{port}" for name, (_, port) in setup.listeners.items())
    protocols = (f"{name.upper()}:{protocol}" for name, (protocol, _) in setup.listeners.items())
    text = _PROPERTIES.format(
        listeners=",".join(listeners), protocols=",".join(protocols), controller=controller, directory=directory
    )
    return text + setup.properties


def _format(command: Sequence[str], properties: Path, users: Sequence[str]) -> None:
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "a")
    added = [part for user in users for part in ("--add-scram", user)]
    run([*command, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties), *added])
