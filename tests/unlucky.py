"""Children that are killed as soon as they are started, as by a kernel that is short of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

from consumer.children.process import Child, spawn


@contextmanager
def killed_at_start(starter: ModuleType, times: int) -> Iterator[list[Child]]:
    """The first children that this module spawns are killed; yields all that it spawns."""
    children: list[Child] = []

    async def spawn_and_kill(*arguments: Any, **named: Any) -> Child:
        children.append(await spawn(*arguments, **named))
        if len(children) <= times:
            children[-1].send_kill()
        return children[-1]

    with mock.patch.object(starter, "spawn", spawn_and_kill):
        yield children
