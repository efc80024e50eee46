"""LocalStack's health check: whether its hooks succeeded and every bucket answers; an open port says nothing.

Exit code 0 when all of it holds; else 1 and one line, which `docker inspect` shows.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from typing import Final

_PORT: Final = 4566
_HOOKS: Final = "/_localstack/init/ready"
_TIMEOUT_S: Final = 5.0


def _ask(method: str, path: str) -> tuple[int, bytes]:
    """What LocalStack answers: a status and a body."""
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _faults() -> Iterator[str]:
    """One sentence for each thing that is not as it should be."""
    stage = json.loads(_ask("GET", _HOOKS)[1])
    failed = [script["name"] for script in stage["scripts"] if script["state"] == "ERROR"]
    if failed:
        yield f"failed: {', '.join(failed)}; `docker compose logs localstack` says why"
    elif not stage["completed"]:
        yield "the hooks in init/ready.d are not through"
    for bucket in os.environ["STENO_BUCKETS"].split():
        status, _ = _ask("HEAD", f"/{bucket}")
        if status != http.client.OK:
            yield f"bucket {bucket} answers {status}"


def main() -> int:
    """Prints what is wrong, and says by its result whether anything is."""
    try:
        faults = list(_faults())
    except (OSError, http.client.HTTPException) as exc:
        faults = [f"no answer on port {_PORT}: {exc}"]
    except (ValueError, LookupError) as exc:
        faults = [f"{_HOOKS} answers something else than LocalStack does: {exc!r}"]
    print("; ".join(faults) or "ready")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
