"""The `steno` command."""

from __future__ import annotations

import logging
import sys

from consumer.cli.ending import run
from consumer.environment import load_settings


def main() -> None:
    """Runs the command line of this process and ends it."""
    # What libraries log stays unseen, unless a command sets logging up; errors are ours to tell, in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(run(sys.argv[1:], load_settings))


if __name__ == "__main__":
    main()
