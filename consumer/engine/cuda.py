"""Why there is no GPU to work on, as NVIDIA's driver and the system's loader tell. Engine process only."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_DRIVER: Final = "libcuda.so.1"
_BLAS: Final = "libcublas.so.12"
"""By name, as CTranslate2 loads it: at the first job, where its absence would fail every one of them."""
_NO_DEVICE: Final = 100
"""CUDA_ERROR_NO_DEVICE."""


def absence() -> str:
    """A clause on what is missing where CTranslate2 sees no device: a driver, a device, or a build that knows them."""
    driver = _loaded(_DRIVER)
    if driver is None:
        return f"no NVIDIA driver is here: {_DRIVER} cannot be loaded"
    if status := driver.cuInit(0):
        what = "sees no device" if status == _NO_DEVICE else f"does not start, CUDA error {status}"
        return f"NVIDIA's driver is here and {what}"
    return "NVIDIA's driver is here, and too old for CTranslate2's CUDA, or this build of CTranslate2 has none"


def missing_library() -> str | None:
    """A clause on the library that jobs on a GPU would not find; None where it is there."""
    if sys.platform != "linux" or _loaded(_BLAS) is not None:
        return None
    return f"a CUDA device is there and cuBLAS is not: {_BLAS} cannot be loaded, pip install nvidia-cublas-cu12"


def _loaded(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
