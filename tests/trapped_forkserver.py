"""The fork server with traps: started in its place, and the real thing but for one step.

A decoder that has given up its rights looks for a trap in the media before it decodes. With `WATCHED` in its
environment it ends when it asks for a file.
"""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO, Final
from unittest import mock

from consumer.media import forkserver
from consumer.media.decode import decode
from consumer.media.file import MediaFile
from tests.traps import Trap, spring
from tests.watch import end_on_asking

WATCHED: Final = "WATCHED"


def trapped_decode(media: BinaryIO, *arguments: Any, **named: Any) -> Any:
    """Springs the trap that the media names, or decodes it."""
    if WATCHED in os.environ and isinstance(
        media, MediaFile
    ):  # a decoder; the server's own warm-up opens what it likes
        end_on_asking()
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
