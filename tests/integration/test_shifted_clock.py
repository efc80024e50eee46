"""A worker whose clock is wrong: the clock that the table of faults gives it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SHIFT_S = 600
SLACK_S = 30
ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import json, time
from tests.bench.faults.shifted_clock import shift
shift({SHIFT_S})
from datetime import UTC, datetime
from pydantic import BaseModel
class Model(BaseModel):
    at: datetime
made = Model(at=datetime.now(UTC))
print(json.dumps([
    time.time(), time.time_ns() / 1e9, datetime.now(UTC).timestamp(), datetime.now().timestamp(),
    datetime.utcnow().replace(tzinfo=UTC).timestamp(), Model.model_validate_json(made.model_dump_json()).at.timestamp(),
]))
assert isinstance(made.at, datetime) and datetime(2020, 1, 1, tzinfo=UTC) < made.at
assert datetime.fromtimestamp(0, UTC).year == 1970
"""


def test_every_clock_of_python_is_shifted_and_moments_are_still_moments() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    shifts = [told - time.time() for told in json.loads(done.stdout)]
    assert all(abs(shift - SHIFT_S) < SLACK_S for shift in shifts), shifts
    assert abs(datetime.now(UTC).timestamp() - time.time()) < SLACK_S
