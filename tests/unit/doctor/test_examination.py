"""All checks at once, each within its time."""

from __future__ import annotations

import asyncio

import pytest

from consumer.core.failures import ConsumerError, ExitCode, FatalError, PermanentError
from consumer.doctor.examination import Check, examine
from consumer.doctor.findings import Finding, Level, failed, ok, unchecked
from contracts.errors import ErrorCode


async def well() -> Finding:
    return ok("well")


async def ill() -> Finding:
    return failed("ill")


async def blind() -> Finding:
    return unchecked(" here")


async def hanging() -> Finding:
    await asyncio.Event().wait()
    return ok("never")


async def clinging() -> Finding:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            released = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0, released.set_result, None)
            await released
            return ok("late")


def raising(error: Exception) -> Check:
    async def look() -> Finding:
        raise error

    return Check("broken", look)


async def findings_of(*checks: Check) -> dict[str, Finding]:
    return {check.name: finding async for check, finding in examine(checks)}


async def test_findings_come_in_the_order_of_the_checks() -> None:
    gate = asyncio.Event()

    async def first() -> Finding:
        await gate.wait()
        return ok("first")

    async def second() -> Finding:
        gate.set()
        return ok("second")

    assert list(await findings_of(Check("a", first), Check("b", second))) == ["a", "b"]


async def test_what_rests_on_a_failure_is_not_looked_at() -> None:
    found = await findings_of(Check("a", ill), Check("b", hanging, after="a"), Check("c", hanging, after="b"))
    assert (found["b"].level, found["b"].text) == (Level.WARNING, "not checked, since 'a' failed")
    assert found["c"].text == "not checked, since 'b' was not"
    assert not found["c"].is_checked


@pytest.mark.parametrize("look", [well, blind])
async def test_only_what_was_looked_at_carries_others(look: object) -> None:
    found = await findings_of(Check("a", look), Check("b", well, after="a"))  # type: ignore[arg-type]  # either is a look
    assert found["b"].is_checked is (look is well)


@pytest.mark.parametrize("look", [hanging, clinging])
async def test_a_check_that_hangs_ends_with_its_time_and_holds_up_no_other(look: object) -> None:
    found = await findings_of(Check("a", look, limit_s=0.01), Check("b", well))  # type: ignore[arg-type]  # likewise
    assert (found["a"].level, found["a"].text) == (Level.FAILED, "no answer within 0.01 s")
    assert found["b"] == ok("well")


@pytest.mark.parametrize(
    ("error", "text", "advice"),
    [
        (FatalError(ExitCode.UNAVAILABLE, "nobody there; look\nthere"), "nobody there", "look there"),
        (FatalError(ExitCode.REFUSED, "a; b; check X"), "a; b", "check X"),
        (PermanentError(ErrorCode.REQUEST_INVALID, "no such bucket"), "no such bucket", ""),
        (ConsumerError("odd"), "odd", ""),
    ],
)
async def test_an_error_of_ours_is_a_finding_with_its_advice(error: Exception, text: str, advice: str) -> None:
    assert (await findings_of(raising(error)))["broken"] == Finding(Level.FAILED, text, advice)


async def test_what_the_system_forbids_is_no_defect() -> None:
    found = (await findings_of(raising(PermissionError(13, "Permission denied", "/models"))))["broken"]
    assert (found.level, found.text) == (Level.FAILED, "[Errno 13] Permission denied: '/models'")
    assert "defect" not in found.advice


async def test_a_defect_of_a_check_is_a_finding_like_any_other() -> None:
    found = (await findings_of(raising(KeyError("x"))))["broken"]
    assert (found.level, found.text) == (Level.FAILED, "this check broke off: KeyError: 'x'")
    assert "defect of steno" in found.advice


async def test_nothing_goes_on_when_nobody_listens_any_more() -> None:
    ended = asyncio.Event()

    async def look() -> Finding:
        try:
            return await hanging()
        finally:
            ended.set()

    findings = examine([Check("a", well), Check("b", look)])
    async for check, _ in findings:
        assert check.name == "a"
        break
    await findings.aclose()  # type: ignore[attr-defined]  # an async generator
    assert ended.is_set()
