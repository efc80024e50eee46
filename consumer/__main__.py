"""The `steno` command."""

from __future__ import annotations

import logging
import signal
import sys


def main() -> None:
    """Runs the command line of this process and ends it."""
    is_interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported: no traceback
    from consumer.cli.ending import run  # noqa: PLC0415 - as said
    from consumer.environment import load_settings  # noqa: PLC0415 - as said

    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # What libraries log stays unseen, unless a command sets logging up; errors are ours to tell, in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(run(sys.argv[1:], load_settings))


if __name__ == "__main__":
    main()
