"""Landlock: the kernel refuses files, TCP and signals to a process that asked for it, for good.

Spoken to by system call, as libc has no wrapper; the numbers are the same on every architecture. Nothing needs root.
See landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_CREATE_RULESET_VERSION: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
"""Loaded before the fork: whatever a decoder touches for the first time costs it a page."""

_ABI_REFER, _ABI_TRUNCATE, _ABI_NETWORK, _ABI_DEVICES, _ABI_SCOPES = 2, 3, 4, 5, 6


class RulesetAttributes(ctypes.Structure):
    """`struct landlock_ruleset_attr`."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


def landlock_abi() -> int:
    """Version of Landlock that the running kernel offers; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, _system_call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION))


def forbid_everything() -> bool:
    """Takes every right that this kernel's Landlock knows from the calling thread; False where that cannot be.

    Needs a free descriptor for a moment; descriptors that are open already go on working.
    """
    abi = landlock_abi()
    if not abi:
        return False
    attributes = RulesetAttributes(*rights(abi))
    ruleset = _system_call(_CREATE_RULESET, ctypes.byref(attributes), attributes_size(abi), 0)
    if ruleset < 0:
        return False
    try:
        return forbid_new_privileges() and _system_call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def forbid_new_privileges() -> bool:
    """No program that this process may start gives it more rights than it has."""
    if sys.platform != "linux":
        return False
    refused: int = _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return not refused


def rights(abi: int) -> tuple[int, int, int]:
    """All bits of the file, TCP and scope rights that this version can take away."""
    file_rights = 13 + (abi >= _ABI_REFER) + (abi >= _ABI_TRUNCATE) + (abi >= _ABI_DEVICES)
    tcp_rights = 2 if abi >= _ABI_NETWORK else 0
    scopes = 2 if abi >= _ABI_SCOPES else 0
    return (1 << file_rights) - 1, (1 << tcp_rights) - 1, (1 << scopes) - 1


def attributes_size(abi: int) -> int:
    """Bytes of the attributes that this version takes: an older kernel refuses what it does not know."""
    fields = 3 if abi >= _ABI_SCOPES else 2 if abi >= _ABI_NETWORK else 1
    return fields * ctypes.sizeof(ctypes.c_uint64)


def _system_call(number: int, *arguments: object) -> int:
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = _LIBC.syscall(ctypes.c_long(number), *wide)
    return result
