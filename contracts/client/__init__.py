"""What a producer or a downstream service needs in Python: upload, submit, follow, read the transcript."""

from contracts.client.config import ClientConfig
from contracts.client.errors import ClientError
from contracts.client.feed import EventFeed
from contracts.client.steno import StenoClient

__all__ = ["ClientConfig", "ClientError", "EventFeed", "StenoClient"]
