"""Spring Kafka in a JVM: applications of a few lines each, run on command, and what they tell."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

from tests.stack import maven
from tests.waiting import until

VERSION: Final = "Spring Kafka 4.1.1"
_RECIPE: Final = Path(__file__).parent
_JVM: Final = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
)


class Verb(StrEnum):
    """What an application does with the records of its topic."""

    RECOVER = "recover"
    """Fails on each; a recoverer writes `<topic>-dlt`, which must be there."""
    RECOVER_KEYS = "recover-keys"
    """Cannot read their keys; a recoverer writes `<topic>-dlt`, which must be there."""
    RETRY = "retry"
    """Fails on each three times, by way of `<topic>-retry-100` and `-retry-200`, and writes `<topic>-dlt`."""
    READ = "read"
    """Tells what a recoverer's letters say."""
    READ_RETRIED = "read-retried"
    """Tells what hops and letters of retry topics say."""
    TAKE = "take"
    """Tells which there are."""


class Spring:
    """One JVM at one broker."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Borrows the process."""
        self._process = process
        self._told: list[dict[str, Any]] = []

    @asynccontextmanager
    async def running(self, verb: Verb, topic: str, group: str) -> AsyncIterator[None]:
        """One application; one that runs inside of another ends first."""
        await self._order(f"{verb} {topic} {group}")
        try:
            yield
        finally:
            await self._order("stop")

    async def told(self, topic: str, count: int = 1) -> list[dict[str, Any]]:
        """What was told of a topic's records, once there is that much of it."""

        def found() -> list[dict[str, Any]]:
            return [document for document in self._told if document.get("topic") == topic]

        await until(lambda: len(found()) >= count, f"{count} records of {topic} in Spring")
        return found()

    def listen(self, lines: IO[str]) -> None:
        """Hears what is told until the lines end."""
        for line in lines:
            self._told.append(json.loads(line))

    async def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        answer = {"done": line}
        before = self._told.count(answer)
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        await until(lambda: self._told.count(answer) > before or not self._is_alive(), f"Spring's answer to: {line}")
        assert self._is_alive(), f"Spring ended at: {line}"

    def _is_alive(self) -> bool:
        return self._process.poll() is None


@contextmanager
def spring_kafka(bootstrap: str) -> Iterator[Spring]:
    """Spring Kafka at that broker; its JVM ends with the context or with this process.

    Raises:
        MissingServiceError: Java, its compiler or Maven is missing.
    """
    command = [maven.tool("java"), *_JVM, "-cp", maven.classes(_RECIPE), "steno.Program", bootstrap]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        spring = Spring(process)
        listener = threading.Thread(target=spring.listen, args=(process.stdout,))
        listener.start()
        try:
            yield spring
        finally:
            process.kill()
            listener.join()
