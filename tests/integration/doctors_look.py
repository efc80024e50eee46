"""How the doctor looks at a store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from consumer.adapters.s3_store import Limits
from consumer.doctor.examination import examine
from consumer.doctor.findings import Finding
from consumer.doctor.store import StoreExamination
from consumer.settings import S3Settings, Settings

Look = Callable[..., Awaitable[dict[str, Finding]]]
LIMITS: Final = Limits(connect_s=2, silence_s=2, call_s=5, attempts=1)
OUTPUT: Final = "output s3://bucket/"
INPUT: Final = "input s3://media/"
SETTINGS: Final = Settings(s3=S3Settings(results="s3://bucket/", allowed_inputs=("s3://media/",)))


async def looked_at(settings: Settings) -> dict[str, Finding]:
    """All findings, by the name of their check."""
    async with AsyncExitStack() as stack:
        checks = list(StoreExamination(settings, stack, LIMITS).checks())
        return {check.name: finding async for check, finding in examine(checks)}


def looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """How to look at the store whose address and credentials are given, with no others about."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def look_at(endpoint: str, **variables: str) -> dict[str, Finding]:
        usual = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in (usual | {"AWS_ENDPOINT_URL_S3": endpoint} | variables).items():
            monkeypatch.setenv(name, value)
        return await looked_at(SETTINGS)

    return look_at
