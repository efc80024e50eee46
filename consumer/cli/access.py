"""The client library's errors as the end of a command."""

from __future__ import annotations

from consumer.adapters.kafka.errors import EXIT_CODES
from consumer.core.failures import ExitCode, FatalError
from contracts.client import AccessError, ClientError, MissingTopicError


def fatal(error: ClientError) -> FatalError:
    """Ends the command: with the code of the refusal where broker and client do not accept each other."""
    if isinstance(error, MissingTopicError):
        return FatalError(ExitCode.TOPICS_MISSING, str(error))
    code = EXIT_CODES[error.cause] if isinstance(error, AccessError) else ExitCode.UNAVAILABLE
    return FatalError(code, str(error))
