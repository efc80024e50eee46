"""The seams between the worker's decisions and the outside: what each side may rely on.

Every fake and every adapter of a port passes the same conformance suite.
"""

from __future__ import annotations

from consumer.core.records import Delivery, Header, OutboundRecord, Record
from consumer.core.speech import SAMPLE_RATE_HZ, EngineResult, FetchedObject, MediaInfo
from consumer.ports.broker import RecordRefusedError, Sink, Source
from consumer.ports.speech import Decoder, Engine, Recording, Samples
from consumer.ports.storage import Store, StoredObject

__all__ = [
    "SAMPLE_RATE_HZ",
    "Decoder",
    "Delivery",
    "Engine",
    "EngineResult",
    "FetchedObject",
    "Header",
    "MediaInfo",
    "OutboundRecord",
    "Record",
    "RecordRefusedError",
    "Recording",
    "Samples",
    "Sink",
    "Source",
    "Store",
    "StoredObject",
]
