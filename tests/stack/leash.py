"""Holds one service for a parent: when the parent closes our standard input, or dies, the service is killed.

`python leash.py DIRECTORY COMMAND…` runs the command in the directory. End-of-file is the one sign that every
death of a parent gives, SIGKILL included, on Linux and macOS alike. Runs by path, with the standard library alone;
start it in a session of its own, or what kills the parent's process group kills it first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

LOG = "log"
EXITED = "exited"


def main() -> None:
    """Runs the command until end-of-file, then kills its process group and removes its directory."""
    directory = Path(sys.argv[1])
    with (directory / LOG).open("wb") as log:
        service = subprocess.Popen(
            sys.argv[2:], cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    noting = threading.Thread(target=_note_exit, args=(service, directory))
    noting.start()
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.pid, signal.SIGKILL)
    noting.join()
    shutil.rmtree(directory, ignore_errors=True)


def _note_exit(service: subprocess.Popen[bytes], directory: Path) -> None:
    (directory / EXITED).write_text(str(service.wait()), "ascii")


if __name__ == "__main__":
    main()
