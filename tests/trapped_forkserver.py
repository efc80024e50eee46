"""The fork server with traps: started in its place, and the real thing but for one step.

A decoder that has given up its rights looks for a trap in the media before it decodes.
"""

from __future__ import annotations

import sys
from typing import Any, BinaryIO
from unittest import mock

from consumer.media import forkserver
from consumer.media.decode import decode
from tests.traps import Trap, spring


def trapped_decode(media: BinaryIO, *arguments: Any, **named: Any) -> Any:
    """Springs the trap that the media names, or decodes it."""
    start = media.read(max(map(len, Trap)))
    media.seek(0)
    for trap in Trap:
        if start == trap.encode():
            spring(trap)
    return decode(media, *arguments, **named)


def main(channel_descriptor: int, parent_pid: int) -> None:
    """Serves the parent at the other end of the channel."""
    with mock.patch.object(forkserver, "decode", trapped_decode):
        forkserver.main(channel_descriptor, parent_pid)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
