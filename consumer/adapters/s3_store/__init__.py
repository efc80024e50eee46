"""Objects in S3, or in a store that speaks its API and keeps conditional writes."""

from consumer.adapters.s3_store.client import Limits, StoreConfig
from consumer.adapters.s3_store.errors import OwnPlaces
from consumer.adapters.s3_store.probe import probe_conditional_writes
from consumer.adapters.s3_store.store import S3Store

__all__ = ["Limits", "OwnPlaces", "S3Store", "StoreConfig", "probe_conditional_writes"]
