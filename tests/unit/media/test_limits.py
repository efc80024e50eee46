"""What is allowed unless a setting says otherwise."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from consumer.media.limits import DecodeLimits
from consumer.settings import MediaSettings

DEFAULTS = {field.name: field.default for field in fields(DecodeLimits) if field.default is not MISSING}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_those_of_the_settings(name: str) -> None:
    assert getattr(MediaSettings(), name) == DEFAULTS[name]
