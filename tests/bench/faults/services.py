"""A broker with a second way in that leads through a proxy, and a store: what faults happen to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from tests.stack import broker, store
from tests.stack.broker import Broker, KafkaSetup, running_kafka
from tests.stack.service import first_of, free_ports

_BESIDE: Final = "\nadvertised.listeners=PLAINTEXT://127.0.0.1:{plain},PROXIED://127.0.0.1:{proxy}\n"


@dataclass(frozen=True)
class Services:
    """What every fault finds up, and leaves up."""

    kafka: Broker
    proxied_port: int
    """Where the broker listens for what came through the proxy."""
    proxy_port: int
    """Where it sends clients who came that way: the proxy has to listen there."""
    store: store.Store


@contextmanager
def proxied_kafka() -> Iterator[tuple[Broker, int, int]]:
    """A broker of our own, its proxied port and its proxy's, as in `Services`."""
    plain, proxied, proxy = free_ports(3)
    setup = KafkaSetup(
        {"plaintext": ("PLAINTEXT", plain), "proxied": ("PLAINTEXT", proxied)}, _BESIDE.format(plain=plain, proxy=proxy)
    )
    with running_kafka(setup) as holder:
        yield Broker(f"127.0.0.1:{plain}", broker.APACHE_KAFKA, holder), proxied, proxy


@contextmanager
def services() -> Iterator[Services]:
    """The broker is ours, as it will be killed; the store is the tests' usual one."""
    with ExitStack() as stack:
        kafka, proxied, proxy = stack.enter_context(proxied_kafka())
        yield Services(kafka, proxied, proxy, first_of(store.PROVIDERS, stack))
