"""Records what Spring Kafka writes, for tests without a JVM: one file each in tests/data/golden/spring."""

from __future__ import annotations

import asyncio
import sys

from tests.spring_letters import GROUP, Letter, save
from tests.stack.broker import apache_kafka
from tests.stack.clients import make_topic
from tests.stack.spring import VERSION, Spring, Verb, spring_kafka
from tests.stack.spring.records import fetch, send


def main() -> int:
    """Writes the files."""
    with apache_kafka() as broker, spring_kafka(broker.bootstrap) as spring:
        asyncio.run(_of_a_recoverer(broker.bootstrap, spring))
        asyncio.run(_of_retry_topics(broker.bootstrap, spring))
    return 0


async def _of_a_recoverer(bootstrap: str, spring: Spring) -> None:
    for topic in ("calls", "calls-dlt", "keys", "keys-dlt"):
        await make_topic(bootstrap, topic, partitions=2)
    sent = await send(bootstrap, "calls")
    async with spring.running(Verb.RECOVER, "calls", GROUP):
        (letter,) = await fetch(bootstrap, "calls-dlt", 1)
        save("recoverer", Letter(sent, letter), VERSION)
        # As a script does that copies dead letters back, headers and all.
        sent_again = await send(bootstrap, "calls", letter.headers)
        _, again = await fetch(bootstrap, "calls-dlt", 2)
        save("recoverer-again", Letter(sent_again, again), VERSION)
    keyed = await send(bootstrap, "keys")
    async with spring.running(Verb.RECOVER_KEYS, "keys", GROUP):
        (letter,) = await fetch(bootstrap, "keys-dlt", 1)
        save("recoverer-key", Letter(keyed, letter), VERSION)


async def _of_retry_topics(bootstrap: str, spring: Spring) -> None:
    await make_topic(bootstrap, "jobs", partitions=2)
    sent = await send(bootstrap, "jobs")
    async with spring.running(Verb.RETRY, "jobs", GROUP):
        for name, topic in (("retry-dlt", "jobs-dlt"), ("retry-hop", "jobs-retry-100")):
            (written,) = await fetch(bootstrap, topic, 1)
            save(name, Letter(sent, written), VERSION)


if __name__ == "__main__":
    sys.exit(main())
