"""Opens, from within the image, all that a worker may ever open, and prints what it could not."""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from typing import Final

from aiobotocore.credentials import create_credential_resolver
from aiobotocore.session import AioSession

_SERVICES: Final = ("s3", "sts", "sso", "sso-oidc")
_REGIONS: Final = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1")
_ELSEWHERE: Final = ("consumer.demo", "__main__")
"""What wants the demo's extra, and what runs when it is imported."""


def main() -> None:
    """Prints all findings."""
    session = AioSession()
    providers = [provider.METHOD for provider in create_credential_resolver(session).providers]
    findings = {"faults": list(_faults()), "providers": providers, "endpoints": asyncio.run(_endpoints(session))}
    json.dump(findings, sys.stdout)


def _faults() -> Iterator[str]:
    for package in ("consumer", "contracts"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not any(part in module.name for part in _ELSEWHERE):
                try:
                    importlib.import_module(module.name)
                except Exception as exc:  # noqa: BLE001 - each is told
                    yield f"{module.name}: {exc!r}"


async def _endpoints(session: AioSession) -> list[str]:
    found = []
    for service in _SERVICES:
        for region in _REGIONS:
            async with session.create_client(
                service, region_name=region, aws_access_key_id="none", aws_secret_access_key="none"
            ) as client:
                found.append(client.meta.endpoint_url)
    return found


if __name__ == "__main__":
    main()
