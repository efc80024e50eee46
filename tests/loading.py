"""Settings for tests, read from variables and files of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from consumer.core.failures import ExitCode, FatalError
from consumer.settings import Settings

Load = Callable[..., Settings]
"""Reads settings from these variables alone."""


def refusal(load: Load, **environment: str) -> str:
    """What settings are refused with."""
    with pytest.raises(FatalError) as caught:
        load(**environment)
    assert caught.value.exit_code is ExitCode.BAD_SETTINGS
    return caught.value.message
