"""What other teams depend on: requests in, events and transcripts out, the error codes and states between."""

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
from contracts.state import CancelMarker, JobState, JobStatus, StatusDocument
from contracts.transcript import Manifest, Segment, Transcript, Word
from contracts.version import __version__

__all__ = [
    "VERDICTS",
    "CancelMarker",
    "ErrorCode",
    "ErrorDetail",
    "Event",
    "Input",
    "JobState",
    "JobStatus",
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
    "StatusDocument",
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
