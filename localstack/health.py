"""LocalStack's health check: whether its hooks succeeded and every bucket answers; that the port is open says nothing.

Exit code 0 when all of it holds; else 1 and one line, which `docker inspect` shows.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_URL: Final = "http://localhost:4566"
_TIMEOUT_S: Final = 5.0


def _faults() -> Iterator[str]:
    """One sentence for each thing that is not as it should be."""
    with urllib.request.urlopen(f"{_URL}/_localstack/init/ready", timeout=_TIMEOUT_S) as answer:
        stage = json.load(answer)
    failed = [Path(script["path"]).name for script in stage["scripts"] if script["state"] == "ERROR"]
    if failed:
        yield f"failed: {', '.join(failed)}; docker compose logs localstack says why"
    elif not stage["completed"]:
        yield "the hooks in init/ready.d are not through"
    for bucket in os.environ["STENO_BUCKETS"].split():
        yield from _bucket_faults(bucket)


def _bucket_faults(bucket: str) -> Iterator[str]:
    request = urllib.request.Request(f"{_URL}/{bucket}", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT_S).close()
    except OSError as exc:
        yield f"bucket {bucket}: {exc}"


def main() -> int:
    """Prints what is wrong, and says by its result whether anything is."""
    try:
        faults = list(_faults())
    except (OSError, ValueError, LookupError) as exc:
        faults = [f"LocalStack does not answer: {exc}"]
    print("; ".join(faults) or "ready")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
