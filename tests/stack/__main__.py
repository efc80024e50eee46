"""Starts the stack with all that a worker needs, prints the exports that lead to it, and stays until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from contextlib import ExitStack

from consumer.core.ladder import Ladder
from consumer.settings import RetrySettings, TopicSettings
from tests.stack import broker, store
from tests.stack.furniture import BUCKETS, furnish
from tests.stack.service import MissingServiceError, first_of


def main() -> int:
    """Runs until interrupted; 1 when a service cannot be had."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        try:
            kafka, s3 = first_of(broker.PROVIDERS, stack), first_of(store.PROVIDERS, stack)
        except MissingServiceError as exc:
            sys.stderr.write(f"the stack cannot start: {exc}\n")
            return 1
        names = TopicSettings()
        topics = names.specs(Ladder(names.requests, RetrySettings().delays_ms).topics)
        asyncio.run(furnish(kafka.bootstrap, s3.address, topics=topics, buckets=BUCKETS))
        sys.stdout.write(_exports(kafka, s3))
        sys.stdout.flush()
        made = f"topics {', '.join(topic.name for topic in topics)}; buckets {', '.join(BUCKETS)}"
        sys.stderr.write(f"{kafka.name} and {s3.name} are up, with what a worker needs; Ctrl-C stops them\n{made}\n")
        signal.pause()
    return 0


def _exports(kafka: broker.Broker, s3: store.Store) -> str:
    variables = {
        "STENO_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        **s3.address.environment(),
        broker.ADDRESS_VARIABLE: kafka.bootstrap,
        store.ADDRESS_VARIABLE: s3.address.endpoint,
    }
    return "".join(f"export {name}={value}\n" for name, value in variables.items())


if __name__ == "__main__":
    sys.exit(main())
