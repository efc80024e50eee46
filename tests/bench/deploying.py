"""A deployment for one benchmark, gone when it ends."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from tests.e2e.conftest import deployed
from tests.e2e.fleet import Deployment
from tests.stack import broker, store
from tests.stack.broker import Broker
from tests.stack.service import first_of
from tests.stack.store import Store


@asynccontextmanager
async def deployed_here(
    stem: str, *, kafka: Broker | None = None, s3: Store | None = None, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Deployment]:
    """On the broker and store given, or on the first ones that this machine has."""
    with ExitStack() as stack:
        bootstrap = (kafka or first_of(broker.PROVIDERS, stack)).bootstrap
        address = (s3 or first_of(store.PROVIDERS, stack)).address
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        name = f"{stem}-{uuid.uuid4().hex[:8]}"
        async with deployed(Deployment(bootstrap, address, name, folder, dict(settings or {}))) as deployment:
            yield deployment
