"""What object storage tells of jobs, as text: each on its own, or as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from consumer.cli.printable import on_one_line
from contracts.state import JobState, JobStatus

_STYLES: Final = {
    JobState.COMPLETED: "green", JobState.FAILED: "red", JobState.CANCELLED: "yellow", JobState.LOST: "red",
    JobState.RETRYING: "yellow",
}  # fmt: skip
_HEADS: Final = ("updated", "job", "tenant", "state", "attempt", "note")
_GAP: Final = 2
_LEAST: Final = 12
"""Characters of a column that is worth having."""
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def sentence(job: JobStatus) -> str:
    """How the job is, on one line."""
    wish = f"; cancel was requested at {_time(job.cancel_requested_at)}" if job.cancel_requested_at else ""
    return on_one_line(f"{_sentence(job)}{wish}")


def account(job: JobStatus) -> str:
    """Everything that is known of one job, a line for each thing."""
    facts = [("job", job.job_id), ("tenant", job.tenant), ("state", sentence(job)), *_facts(job)]
    return "\n".join(f"{name:<10} {on_one_line(str(fact))}" for name, fact in facts if fact not in {None, ""})


def line(job: JobStatus) -> str:
    """The same on one line, tabs between: updated, job, tenant, state, attempt, note."""
    return "\t".join(_cells(job))


def table(jobs: Sequence[JobStatus], *, width: int, now: datetime) -> Table:
    """The same as a table for a terminal of so many characters; times as ages."""
    rows = [{**dict(zip(_HEADS, _cells(job), strict=True)), "age": _age(job, now)} for job in jobs]
    tenant = ("tenant",) if any(job.tenant for job in jobs) else ()
    widths = _widths(("age", "job", *tenant, "state", "attempt"), rows, width)
    drawn = Table(box=None, pad_edge=False)
    for head, chars in widths.items():
        drawn.add_column(head, no_wrap=True, overflow="ellipsis", width=chars)
    for job, row in zip(jobs, rows, strict=True):
        drawn.add_row(*(Text(row[head], _STYLES.get(job.state, "") if head == "state" else "") for head in widths))
    return drawn


def _widths(heads: Sequence[str], rows: Sequence[Mapping[str, str]], width: int) -> dict[str, int]:
    """Characters for each column: ids give way to a narrow terminal, and notes get what is left, or no column."""
    widths = {head: max(len(head), *(len(row[head]) for row in rows), 0) for head in heads}
    others = sum(chars + _GAP for head, chars in widths.items() if head != "job")
    widths["job"] = min(widths["job"], max(width - others, _LEAST))
    left = width - others - widths["job"] - _GAP
    return widths | {"note": left} if left >= _LEAST else widths


def _age(job: JobStatus, now: datetime) -> str:
    if job.updated_at is None:
        return ""
    seconds = max(int((now - job.updated_at).total_seconds()), 0)
    unit, name = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{seconds // unit}{name}"


def _sentence(job: JobStatus) -> str:
    match job.state:
        case JobState.QUEUED:
            return "queued: it waits for a worker"
        case JobState.RUNNING:
            return f"running on {job.worker} since {_time(job.started_at)}"
        case JobState.LOST:
            return f"lost: {job.worker} fell silent after {_time(job.updated_at)}; another worker takes it over"
        case JobState.RETRYING:
            return f"retrying: attempt {(job.attempt or 0) + 1} is due at {_time(job.not_before)}"
        case _:
            return str(job.state)


def _facts(job: JobStatus) -> Iterator[tuple[str, object]]:
    yield "attempt", job.attempt
    yield "deliveries", job.deliveries if (job.deliveries or 1) > 1 else None
    yield "replays", job.replay_count or None
    yield "error", f"{job.error.code}: {job.error.message}" if job.error else None
    yield "manifest", job.manifest
    yield "input", job.input
    yield "output", job.output
    yield "worker", job.worker
    yield "sent", _time(job.sent_at)
    yield "started", _time(job.started_at)
    yield "updated", _time(job.updated_at)


def _cells(job: JobStatus) -> tuple[str, ...]:
    attempt = "" if job.attempt is None else str(job.attempt)
    return (_time(job.updated_at), job.job_id, job.tenant or "", str(job.state), attempt, on_one_line(_note(job)))


def _note(job: JobStatus) -> str:
    """What one wants to know next: where the result is, who works on it, what went wrong."""
    if job.state in {JobState.RUNNING, JobState.LOST}:
        return job.worker or ""
    if job.error is not None:
        return f"{job.error.code}: {job.error.message}"
    return job.manifest or ""


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""
