"""The embedded stack as the demo sees it: started, prepared and ended with the context."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import IO, Final

from consumer.children.channel import ChannelClosedError, Message
from consumer.children.process import Child, spawn
from consumer.core.failures import ExitCode, FatalError

_START_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the embedded services listen."""

    kafka: str
    """host:port of the broker."""
    s3: str
    """URL of the store."""

    @property
    def aws_environment(self) -> dict[str, str]:
        """What an AWS library needs to use the store and nothing else that this machine may be set up for."""
        return {
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }


@contextlib.asynccontextmanager
async def embedded_stack(*, buckets: Sequence[str], topics: Sequence[str]) -> AsyncIterator[Stack]:
    """Runs the stack in a process of its own that dies with us, whatever ends us.

    Raises:
        FatalError: it does not come up; the message holds its last words.
    """
    with tempfile.TemporaryFile() as errors:
        child = await spawn("consumer.demo.stack", environment={}, stderr=errors.fileno())
        try:
            yield await _prepare(child, errors, {"buckets": list(buckets), "topics": list(topics)})
        finally:
            await child.kill()


async def _prepare(child: Child, errors: IO[bytes], wanted: Message) -> Stack:
    try:
        async with asyncio.timeout(_START_S):
            await child.channel.send(wanted)
            ready = await child.channel.receive()
    except (ChannelClosedError, TimeoutError) as exc:
        errors.seek(0)
        lines = errors.read().decode(errors="replace").split("\n")
        why = next((line for line in reversed(lines) if line.strip()), f"no answer within {_START_S:.0f} s")
        raise FatalError(ExitCode.UNAVAILABLE, f"the demo's store and broker did not start: {why}") from exc
    return Stack(kafka=ready["kafka"], s3=ready["s3"])
