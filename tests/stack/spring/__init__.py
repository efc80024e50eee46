"""Spring Kafka in a JVM: applications of a few lines each, run on command, and what they tell."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
_STOP_DEADLINE_S: Final = 10.0


class Spring:
    """One JVM at one broker. Its applications end with `stop`, the last first, or with the JVM."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Borrows the process; whoever started it ends it."""
        self._process = process
        self._told: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    async def recover(self, topic: str, group: str) -> None:
        """Starts a listener that fails on every record; its recoverer writes `<topic>-dlt`."""
        await self._order(f"recover {topic} {group}")

    async def retry(self, topic: str, group: str) -> None:
        """Starts one whose retry topics `<topic>-retry-100` and `-retry-200` lead to `<topic>-dlt` after three."""
        await self._order(f"retry {topic} {group}")

    async def read(self, topic: str, group: str) -> None:
        """Starts one that reads a recoverer's dead letters and tells what it finds."""
        await self._order(f"read {topic} {group}")

    async def read_retried(self, topic: str, group: str) -> None:
        """Starts one that reads what stands on retry topics and on the dead-letter topic that they lead to."""
        await self._order(f"read-retried {topic} {group}")

    async def take(self, topic: str, group: str) -> None:
        """Starts one that tells which records it gets."""
        await self._order(f"take {topic} {group}")

    async def stop(self) -> None:
        """Ends the application that was started last."""
        await self._order("stop")

    async def told(self, topic: str, count: int) -> list[dict[str, Any]]:
        """What was told of a topic's records, once there is that much of it."""

        def found() -> list[dict[str, Any]]:
            return [document for document in self._told if document.get("topic") == topic]

        await until(lambda: len(found()) >= count, f"{count} records of {topic} in Spring")
        return found()

    async def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        answer, before = {"done": line}, self._told.count({"done": line})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        await until(
            lambda: self._told.count(answer) > before or self._process.poll() is not None, f"Spring does: {line}"
        )
        assert self._process.poll() is None, f"Spring ended at: {line}"

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            self._told.append(json.loads(line))


@contextmanager
def spring_kafka(bootstrap: str) -> Iterator[Spring]:
    """Spring Kafka at that broker; its JVM ends with the context or with this process.

    Raises:
        MissingServiceError: Java, its compiler or Maven is missing.
    """
    command = [maven.tool("java"), *_JVM, "-cp", maven.classes(_RECIPE), "steno.Program", bootstrap]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Spring(process)
        finally:
            process.stdin.close()  # type: ignore[union-attr]  # a pipe was asked for
            process.wait(_STOP_DEADLINE_S)
