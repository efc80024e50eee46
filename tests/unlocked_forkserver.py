"""The fork server with traps as it is on a kernel without Landlock: the call that asks for it fails."""

from __future__ import annotations

import sys
from unittest import mock

from consumer.media import sandbox
from tests import trapped_forkserver

if __name__ == "__main__":
    with mock.patch.object(sandbox, "forbid_everything", return_value=False):
        trapped_forkserver.main(int(sys.argv[1]), int(sys.argv[2]))
