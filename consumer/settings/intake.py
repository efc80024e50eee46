"""How requests are read."""

from __future__ import annotations

from pydantic import Field

from consumer.core.intake.keys import KeyEncoding
from consumer.settings.group import Group


class IntakeSettings(Group):
    """How requests are read."""

    key_encoding: KeyEncoding = Field(
        KeyEncoding.FORM,
        description="how S3 notifications spell object keys: `form` (AWS, MinIO) or `raw` (Ceph, VersityGW)",
    )
