"""All checks at once, each within its time; whatever goes wrong in one is its finding."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from consumer.core.failures import ConsumerError
from consumer.doctor.findings import Finding, Level, failed, failed_by, unchecked


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    name: str
    look: Callable[[], Awaitable[Finding]]
    """May raise errors of ours; their message is the finding."""
    after: str | None = None
    """An earlier check without whose success this one makes no sense."""
    limit_s: float = 30.0


async def examine(checks: Sequence[Check]) -> AsyncIterator[tuple[Check, Finding]]:
    """Runs all checks side by side; gives what they found in their order, each as soon as it and all before are done.

    Ends within the longest time of a chain of checks, whatever they do. Names must differ.
    """
    tasks: dict[str, asyncio.Task[Finding]] = {}
    for check in checks:
        tasks[check.name] = asyncio.create_task(_finding(check, tasks))
    try:
        for check in checks:
            yield check, await tasks[check.name]
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _finding(check: Check, earlier: Mapping[str, asyncio.Task[Finding]]) -> Finding:
    if check.after:
        before = await asyncio.shield(earlier[check.after])
        if before.level is Level.FAILED or not before.is_checked:
            return unchecked(f", since '{check.after}' {'failed' if before.is_checked else 'was not'}")
    looking = asyncio.ensure_future(check.look())
    try:
        # Not under `timeout`: what clings to its work when it is cancelled must not hold up the others.
        await asyncio.wait({looking}, timeout=check.limit_s)
        if not looking.done():
            return failed(f"no answer within {check.limit_s:g} s", "see whether it hangs, or is only slow")
        return looking.result()
    except ConsumerError as exc:
        return failed_by(exc)
    except OSError as exc:
        return failed(str(exc), "let this user, and this process, do that")
    except Exception as exc:  # noqa: BLE001 - a doctor who falls ill over a check tells it like any other finding
        return failed(f"this check broke off: {type(exc).__name__}: {exc}", "report it: this is a defect of steno")
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({looking}, timeout=0)
