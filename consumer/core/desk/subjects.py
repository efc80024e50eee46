"""Whose dead letter it is: the job and tenant of the request in it, in whatever envelope it came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consumer.core.intake.envelopes import read_record
from consumer.core.intake.readings import Faulty, IntakeRules, Wanted
from consumer.core.records import Record
from contracts.identity import derive_job_id
from contracts.requests import JOB_ID_PATTERN

_JOB_ID: Final = re.compile(JOB_ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a record asks for, as far as it is legible."""

    job_id: str | None = None
    tenant: str | None = None
    deadline: datetime | None = None


def subject_of(record: Record, rules: IntakeRules) -> Subject:
    """The one job of a record; of one that holds several or none, the job that its key names, if it can be one."""
    if not record.value:
        return Subject(_named_by_key(record))
    match read_record(record, rules):
        case (Wanted(request=request),):
            return Subject(request.job_id or derive_job_id(request), request.tenant, request.deadline)
        case (Faulty(job_id=str(job_id)),):
            return Subject(job_id)
    return Subject(_named_by_key(record))


def _named_by_key(record: Record) -> str | None:
    key = (record.key or b"").decode("utf-8", "replace")
    return key if _JOB_ID.fullmatch(key) else None
