"""What a producer or a downstream service needs in Python: upload, submit, wait, read the transcript."""

from contracts.client.config import ClientConfig
from contracts.client.errors import (
    AccessError,
    ClientError,
    JobFailedError,
    MissingTopicError,
    SubmitError,
    UnreachableError,
    WaitTimeoutError,
)
from contracts.client.feed import EventFeed
from contracts.client.jobs import JobHandle
from contracts.client.steno import StenoClient
from contracts.client.store_client import StoreClient
from contracts.client.sync import SyncStenoClient

__all__ = [
    "AccessError",
    "ClientConfig",
    "ClientError",
    "EventFeed",
    "JobFailedError",
    "JobHandle",
    "MissingTopicError",
    "StenoClient",
    "StoreClient",
    "SubmitError",
    "SyncStenoClient",
    "UnreachableError",
    "WaitTimeoutError",
]
