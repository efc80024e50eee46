"""The child process that is the demo's store and broker: moto's S3 server and librdkafka's mock cluster.

Both live in memory and end with this process. It gets what to prepare as a first message and answers with the
addresses; end-of-file on the channel ends it.
"""

from __future__ import annotations

import logging
import socket
import sys
import urllib.request
from collections.abc import Iterable
from typing import Final

from confluent_kafka import Producer
from moto.server import ThreadedMotoServer

from consumer.children.channel import Channel, ChannelClosedError
from consumer.children.lifeline import die_with_parent

_LOOPBACK: Final = "127.0.0.1"
_TIMEOUT_S: Final = 10.0


def serve(channel: Channel) -> None:
    """Answers one preparation and stays until the parent is gone."""
    wanted, _ = channel.receive()
    store = start_store(wanted["buckets"])
    broker, address = start_broker(wanted["topics"])
    channel.send({"s3": store, "kafka": address})
    try:
        channel.receive()
    except ChannelClosedError:
        broker.flush(0)  # the cluster lives as long as this producer, so the name has to


def start_store(buckets: Iterable[str]) -> str:
    """Starts the S3 server on a free port of this machine, makes the buckets and returns its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(_LOOPBACK, 0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    for bucket in buckets:
        request = urllib.request.Request(f"{url}/{bucket}", method="PUT")  # noqa: S310 - our own http address
        urllib.request.urlopen(request, timeout=_TIMEOUT_S).close()  # noqa: S310 - likewise
    return url


def start_broker(topics: Iterable[str]) -> tuple[Producer, str]:
    """Starts the mock cluster; returns its owner and its address. A topic of it exists once it was asked for."""
    producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": "1", "log_level": 0})
    for topic in topics:
        producer.list_topics(topic, timeout=_TIMEOUT_S)
    broker = next(iter(producer.list_topics(timeout=_TIMEOUT_S).brokers.values()))
    return producer, f"{broker.host}:{broker.port}"


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    serve(Channel(socket.socket(fileno=int(sys.argv[1]))))
