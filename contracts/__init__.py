"""What other teams depend on: requests in, events and transcripts out, the error codes between."""

from contracts.errors import VERDICTS, ErrorCode, Verdict
from contracts.events import (
    ErrorDetail,
    Event,
    Kind,
    NotAnEventError,
    OutcomeEvent,
    ProgressEvent,
    parse_event,
)
from contracts.identity import derive_job_id, fingerprint
from contracts.requests import (
    Input,
    Mode,
    Options,
    Output,
    OutputFormat,
    Task,
    TranscriptionRequest,
    VadParameters,
    split_s3_uri,
)
from contracts.transcript import Manifest, Segment, Transcript, Word
from contracts.version import __version__

__all__ = [
    "VERDICTS",
    "ErrorCode",
    "ErrorDetail",
    "Event",
    "Input",
    "Kind",
    "Manifest",
    "Mode",
    "NotAnEventError",
    "Options",
    "OutcomeEvent",
    "Output",
    "OutputFormat",
    "ProgressEvent",
    "Segment",
    "Task",
    "Transcript",
    "TranscriptionRequest",
    "VadParameters",
    "Verdict",
    "Word",
    "__version__",
    "derive_job_id",
    "fingerprint",
    "parse_event",
    "split_s3_uri",
]
