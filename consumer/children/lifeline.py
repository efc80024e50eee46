"""A child dies with its parent, whatever ends the parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent_pid: int) -> None:
    """Asks the kernel for SIGKILL at the parent's death; call it first thing, from the main thread.

    The kernel watches the thread that forked, so the parent must fork from its main thread. A parent that died
    before the call is noticed by its changed id. Where there is no such call (macOS), end-of-file on the channel
    has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)
