"""Where the client finds things; credentials and endpoint of S3 come from `AWS_*`, as everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.broker import OPEN, BrokerSecurity


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Addresses and bounds of one client."""

    bootstrap_servers: str = "localhost:9092"
    """host:port, several with commas."""
    security: BrokerSecurity = OPEN
    """TLS and SASL of the link to the broker."""
    requests_topic: str = "transcription.requests"
    results_topic: str = "transcription.results"
    progress_topic: str = "transcription.progress"
    uploads_prefix: str = "s3://media/uploads/"
    """Where `upload` puts files unless told otherwise."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether a bucket's name stands in the path or in the host's name; `auto`: botocore's choice for the endpoint."""
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    """Asked for with every upload; None leaves it to the bucket."""
    kms_key_id: str = ""
    """Key for `aws:kms` and `aws:kms:dsse`; empty: the account's own."""
    answer_timeout_s: float = 30.0
    """Longest wait for one answer of broker or store, in seconds; an upload of many parts waits for each part."""
    results_prefix: str = "s3://transcripts/"
    """Where the workers put result sets of requests without `output.uri` (their `STENO_S3__RESULTS`)."""
    state_prefix: str = ""
    """Where the workers keep the state of jobs (their `STENO_S3__STATE`); empty: `.steno/` under `results_prefix`."""
    lookback_s: float = 3600.0
    """How far back outcomes are looked for when a job is waited for by its id alone, in seconds."""
