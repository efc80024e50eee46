"""Objects in S3, or in a store that speaks its API and keeps conditional writes."""

from consumer.adapters.s3_store.probe import probe_conditional_writes
from consumer.adapters.s3_store.store import Limits, S3Store

__all__ = ["Limits", "S3Store", "probe_conditional_writes"]
