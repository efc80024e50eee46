"""A container of the image, and what a person outside can see of it: its log, its health, how it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import requests
from docker.models.containers import Container

from tests.waiting import until

_START_S: Final = 60.0
_STOP_S: Final = 60.0
_TAIL_CHARS: Final = 4000


@dataclass(frozen=True)
class Said:
    """What a command inside a container came to."""

    code: int
    text: str


@dataclass(frozen=True)
class RunContainer:
    """One container of the image."""

    container: Container

    @property
    def log(self) -> str:
        """All that it wrote so far, both streams."""
        return self.container.logs().decode(errors="replace")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log lines so far; one that is not whole yet is left out."""
        whole = self.log.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def events(self, action: str) -> list[dict[str, Any]]:
        """Its log lines with that action."""
        return [line for line in self.lines if line["event"] == action]

    @property
    def state(self) -> dict[str, Any]:
        """What the engine knows: `Status`, `ExitCode`, `OOMKilled`, `Health`, `Pid` and more."""
        self.container.reload()
        return dict(self.container.attrs["State"])

    @property
    def health(self) -> str:
        """`starting`, `healthy` or `unhealthy`, by the health check of the image."""
        return str(self.state["Health"]["Status"])

    @property
    def restarts(self) -> int:
        """How often the engine started it anew."""
        self.container.reload()
        return int(self.container.attrs["RestartCount"])

    def signal(self, name: str) -> None:
        """Sends a signal to its first process."""
        self.container.kill(signal=name)

    def execute(self, *command: str, **options: Any) -> Said:
        """Runs a command inside, as its user; options as docker's client takes them."""
        code, output = self.container.exec_run(list(command), **options)
        assert isinstance(output, bytes)  # no stream was asked for
        return Said(int(code or 0), output.decode(errors="replace"))

    def port(self, inside: int) -> int:
        """Where the engine's machine publishes a port, for `ports={"8080/tcp": None}`."""
        self.container.reload()
        published = self.container.ports[f"{inside}/tcp"]
        assert published, f"nothing of it is published\n{self.tail}"
        return int(published[0]["HostPort"])

    async def until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, *, within_s: float = _START_S
    ) -> None:
        """Polls a condition; the message of a failure ends with the log."""
        try:
            await until(condition, what, within_s=within_s, every_s=0.1)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; {self.state}\n{self.tail}") from exc

    async def ended(self, *, within_s: float = _STOP_S) -> int:
        """Waits for its exit code."""
        try:
            found = await asyncio.to_thread(self.container.wait, timeout=within_s)
        except requests.RequestException as exc:
            raise AssertionError(f"it runs on after {within_s} s\n{self.tail}") from exc
        return int(found["StatusCode"])

    @property
    def tail(self) -> str:
        """The end of its log."""
        return self.log[-_TAIL_CHARS:]

    def remove(self) -> None:
        """Ends it, whatever it does, and takes it away."""
        self.container.remove(force=True, v=True)


class Run(Protocol):
    """Starts a container of the image."""

    def __call__(
        self, *command: str, environment: Mapping[str, str] | None = None, image: str | None = None, **options: Any
    ) -> RunContainer:
        """Returns at once; the container is gone after the test.

        Args:
            command: for the image's entrypoint; the image's own where there is none.
            environment: what it sees beside what the image sets.
            image: another one than that of this tree.
            options: as docker's client takes them: `read_only=True`, `cap_drop=["ALL"]`, `user="12345"`, `volumes=…`.
        """
        ...


def logs_of(containers: Sequence[RunContainer]) -> str:
    """The ends of their logs, for the report of a test that fails."""
    return "\n".join(f"--- {found.container.name}\n{found.tail}" for found in containers)
