"""The `steno` command."""

from __future__ import annotations

# Before process 1 has left its work to a child, whatever it is sent is lost: until then only what that takes.
import os
import signal
import sys

from consumer.init import leave_to_child_if_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from consumer.settings import Settings

_STANDARD_ERROR = 2


def main() -> None:
    """Runs the command line of this process and ends it."""
    leave_to_child_if_first()
    import logging  # noqa: PLC0415 - as said

    _fill_standard_streams()
    if _command() == "worker" and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # Asked to end before there is anything to end: a clean stop, which an orchestrator does not count as a crash.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    is_interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported: no traceback
    from consumer.cli.ending import run  # noqa: PLC0415 - as said

    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # What libraries log stays unseen, unless a command sets logging up; errors are ours to tell, in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(run(sys.argv[1:], _load_settings))


def _load_settings() -> Settings:
    from consumer.environment import load_settings  # noqa: PLC0415 - not every command needs them

    return load_settings()


def _command() -> str:
    return next((each for each in sys.argv[1:] if not each.startswith("-")), "")


def _fill_standard_streams() -> None:
    """Opens the null device where standard input, output or error is closed.

    Else the next file that is opened takes the place, and what is written to standard error goes into it; in our
    children, too, which inherit all three.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(_STANDARD_ERROR, "w", encoding="utf-8")  # noqa: SIM115 - a descriptor, for good


if __name__ == "__main__":
    main()
