"""The dead-letter desk at work on a real broker and store: `python -m tests.bench.desk`.

A dead-letter topic is filled with records of seven codes, as steno and both of Spring's ways write them. Then, each as
a command of its own: stats, a list, a filtered dry run, that replay at a rate, the same again, the rest as fast as it
goes, and stats. Told for each: seconds from start to end of the process, those of processor time, its peak of memory,
what it printed, and how many records the requests topic had then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumer.core.records import OutboundRecord
from tests.dead_letters import CODES, make_value, ours, springs_recoverers, springs_retry_topics
from tests.make import make_record
from tests.stack import broker, store
from tests.stack.clients import make_bucket, make_topic
from tests.stack.service import first_of
from tests.stack.store import S3Address

_MEASURED: Final = """
import resource, sys
from consumer.__main__ import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stderr.write(f"used {used.ru_maxrss} {used.ru_utime + used.ru_stime:.2f}")
"""
_PARTITIONS: Final = 12
_SPRING_EVERY: Final = 10


class Stage:
    """One dead-letter topic, and the commands on it."""

    def __init__(self, bootstrap: str, address: S3Address, name: str) -> None:
        """Makes nothing yet."""
        self.requests = f"{name}.requests"
        self.bucket = name
        self._bootstrap = bootstrap
        self._address = address
        self._environment = os.environ | address.environment() | {
            "STENO_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "STENO_TOPICS__REQUESTS": self.requests,
            "STENO_S3__RESULTS": f"s3://{self.bucket}/",
        }  # fmt: skip

    async def fill(self, records: int) -> None:
        """Makes the topics and so many dead letters, a few of them Spring's."""
        await make_bucket(self._address, self.bucket)
        for topic, partitions in (
            (self.requests, _PARTITIONS),
            (f"{self.requests}-dlt", 3),
            (f"{self.requests}-parking", 3),
        ):
            await make_topic(self._bootstrap, topic, partitions=partitions)
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            sending = [
                await producer.send(letter.topic, letter.value, key=letter.key, headers=list(letter.headers))
                for letter in self._letters(records)
            ]
            await asyncio.gather(*sending)

    def _letters(self, records: int) -> Iterator[OutboundRecord]:
        writers = (springs_recoverers, springs_retry_topics)
        for number in range(records):
            job_id = f"job-{number}"
            record = make_record(make_value(job_id, metadata={"case": "17"}), key=job_id.encode(), offset=number)
            record, topic = replace(record, topic=self.requests), f"{self.requests}-dlt"
            if number % _SPRING_EVERY == 0:
                yield writers[number // _SPRING_EVERY % 2](record, topic=topic)
            else:
                yield ours(record, CODES[number % len(CODES)], topic=topic)

    async def run(self, *arguments: str) -> dict[str, Any]:
        """One command as an operator runs it, and what came of it."""
        started_s = time.perf_counter()
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _MEASURED, "dlq", *arguments, "--json",
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await running.communicate()
        took_s = time.perf_counter() - started_s
        used = re.search(rb"used (\d+) ([0-9.]+)", err)
        return {
            "command": " ".join(("steno dlq", *arguments)),
            "exit_code": running.returncode,
            "took_s": round(took_s, 2),
            "cpu_s": float(used[2]) if used else None,
            "peak_mib": int(used[1]) // 1024 if used else None,
            "told": json.loads(out) if out.count(b"\n") == 1 else f"{out.count(bytes([10]))} lines",
            "requests": await self._count(),
        }

    async def _count(self) -> int:
        """Records on the requests topic."""
        partitions = [TopicPartition(self.requests, number) for number in range(_PARTITIONS)]
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap) as consumer:
            return sum((await consumer.end_offsets(partitions)).values())


async def show(stage: Stage, records: int, rate: str) -> list[dict[str, Any]]:
    """The whole show, command after command."""
    await stage.fill(records)
    chosen = ("replay", "--code", CODES[0], "--code", CODES[1], "--code", CODES[2])
    return [
        await stage.run(*arguments)
        for arguments in (
            ("stats",), ("ls",), (*chosen, "--dry-run"), (*chosen, "--rate", rate, "--yes"),
            (*chosen, "--rate", rate, "--yes"), ("stats",), ("replay", "--yes"), ("replay", "--yes"), ("stats",),
        )
    ]  # fmt: skip


async def _run_here(records: int, rate: str) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        kafka, s3 = first_of(broker.PROVIDERS, stack), first_of(store.PROVIDERS, stack)
        return await show(Stage(kafka.bootstrap, s3.address, f"desk-{uuid.uuid4().hex[:8]}"), records, rate)


def main(write: Callable[[str], Any] = print) -> None:
    """Prints a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--rate", default="50/s")
    arguments = parser.parse_args()
    for line in asyncio.run(_run_here(arguments.records, arguments.rate)):
        write(json.dumps(line))


if __name__ == "__main__":
    main()
