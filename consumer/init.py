"""The first process of a container, where the container runtime brings none: passes signals on and reaps orphans.

The kernel spares process 1 the default action of every signal, so that a command that runs there does not end at
SIGTERM, and makes it the parent of every orphan, which stays a zombie until somebody asks how it ended. So `steno` as
process 1 forks: the child does the work as on any machine, and the parent is what `docker run --init` would bring.
"""

from __future__ import annotations

import contextlib
import os
import signal

_INIT_PID = 1
_BY_THE_KERNEL = 0x80
"""SI_KERNEL, as for what a terminal sends; POSIX leaves the number open, Linux has one."""
_OWN_FAULTS = frozenset((
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP,
))  # fmt: skip
"""They strike whoever is at fault, and must not be held back."""
_OF_A_TERMINAL = frozenset((signal.SIGINT, signal.SIGQUIT, signal.SIGHUP))
_STANDARD_ERROR = 2
_SIGNAL_BASE = 128
"""An exit code says by which signal a process ended, as shells count."""


def leave_to_child_if_first() -> None:
    """Returns in the process that is to do the work: in this one, or in a child where this is process 1.

    Call it before any thread starts.
    """
    if os.getpid() == _INIT_PID:
        leave_to_child()


def leave_to_child() -> None:
    """Returns in a child; this process passes on to it what it is sent, and ends as it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as it may have been inherited, it tells nobody anything
    awaited = signal.valid_signals() - _OWN_FAULTS
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    child = os.fork()
    if child:
        os._exit(_serve(child, awaited))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(child: int, awaited: set[signal.Signals]) -> int:
    """The exit code of the child, once it has ended."""
    passed_on: set[int] = set()
    while True:
        sent = signal.sigwaitinfo(awaited)
        if sent.si_signo == signal.SIGCHLD:
            if (status := _reap(child)) is not None:
                _tell(status - _SIGNAL_BASE, passed_on)
                return status
        elif sent.si_code != _BY_THE_KERNEL:  # a terminal tells the whole foreground group, with the child in it
            passed_on.add(sent.si_signo)
            os.kill(child, sent.si_signo)


def _tell(number: int, passed_on: set[int]) -> None:
    """Says by which signal the child ended, if nobody asked for it: a child that is killed cannot say so itself."""
    if number not in signal.valid_signals() or number in passed_on | _OF_A_TERMINAL:
        return
    hint = "; see whether memory ran out" if number == signal.SIGKILL else ""
    with contextlib.suppress(OSError):
        os.write(_STANDARD_ERROR, f"steno: ended by {signal.Signals(number).name}{hint}\n".encode())


def _reap(child: int) -> int | None:
    """Asks how everybody ended who has; the exit code of the child if it was among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if not pid:
            return status
        if pid == child:
            code = os.waitstatus_to_exitcode(ended)
            status = code if code >= 0 else _SIGNAL_BASE - code
