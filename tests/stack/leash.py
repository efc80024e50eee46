"""Holds one service for a parent: when the parent closes our standard input, or dies, the service is killed.

`python leash.py DIRECTORY COMMAND…` runs the command in the directory. End-of-file is the one sign that every
death of a parent gives, SIGKILL included, on Linux and macOS alike. A line `stop` kills the service before that, a
line `start` runs it again on what it left. Runs by path, with the standard library alone; start it in a session of
its own, or what kills the parent's process group kills it first.
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
"""Is there while the service is not."""
STOP = b"stop\n"
START = b"start\n"


class _Service:
    """One run of the command; a thread notes its end."""

    def __init__(self, directory: Path) -> None:
        with (directory / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                sys.argv[2:], cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._exited = directory / EXITED
        self._noting = threading.Thread(target=self._note_exit)
        self._noting.start()

    def kill(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._noting.join()

    def _note_exit(self) -> None:
        self._exited.write_text(str(self._process.wait()), "ascii")


def main() -> None:
    """Runs the command and follows orders until end-of-file, then kills its process group and its directory."""
    directory = Path(sys.argv[1])
    service = _Service(directory)
    for order in sys.stdin.buffer:
        service.kill()
        if order == START:
            (directory / EXITED).unlink()
            service = _Service(directory)
    service.kill()
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
