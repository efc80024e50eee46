"""What can go wrong for a client, in one sentence that says what to do.

ClientError             broker, store or input do not allow it
  AccessError           broker and client do not accept each other: credentials, certificates, rights, settings
  UnreachableError      broker or store do not answer
  MissingTopicError     the broker has no such topic
  SubmitError           some of many inputs were not submitted; the others were
  JobFailedError        the job has ended without a transcript, with its code
  WaitTimeoutError      the job has not ended yet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp
from aiokafka import errors as kafka
from botocore import exceptions as boto

from contracts.broker.findings import Cause
from contracts.broker.knock import ShutOutError
from contracts.broker.refusals import REFUSALS
from contracts.client.jobs import JobHandle
from contracts.events import ErrorDetail, OutcomeEvent

_MOST_NAMED: Final = 10

STORAGE_ERRORS: Final = (boto.ClientError, boto.BotoCoreError, aiohttp.ClientError, TimeoutError)
BROKER_ERRORS: Final = (kafka.KafkaError, OSError, TimeoutError)

_CREDENTIALS: Final = frozenset(
    ("ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "TokenRefreshRequired")
)


class ClientError(Exception):
    """Broker, store or input do not allow it; the message tells the user what to do next."""


class AccessError(ClientError):
    """Broker and client do not accept each other; to repeat it does not help."""

    def __init__(self, cause: Cause, message: str) -> None:
        """Says what kind of thing is wrong, and what to do."""
        super().__init__(message)
        self.cause = cause


class UnreachableError(ClientError):
    """Broker or store do not answer: every other input would fare the same just now."""


class MissingTopicError(ClientError):
    """The broker has no such topic; `steno topics init` creates it."""


class SubmitError(ClientError):
    """Some of many inputs were not submitted. The others were: submit only those of `failed` again."""

    def __init__(self, submitted: Sequence[JobHandle], failed: Mapping[str, ClientError]) -> None:
        """Names the first failure.

        Args:
            submitted: jobs that the broker has, in the order of their inputs.
            failed: the other inputs, and why.
        """
        first = next(iter(failed.values()))
        super().__init__(f"{len(failed)} of {len(failed) + len(submitted)} inputs were not submitted; first: {first}")
        self.submitted = tuple(submitted)
        self.failed = dict(failed)


class JobFailedError(ClientError):
    """The job has ended as `failed` or `cancelled`; submitted again it may succeed where `retryable`."""

    def __init__(self, outcome: OutcomeEvent) -> None:
        """Takes over what the worker said."""
        error = outcome.error or ErrorDetail(code="INTERNAL", message="the worker gave no reason", retryable=False)
        super().__init__(f"job {outcome.job_id}: {error.code}: {error.message}")
        self.outcome = outcome
        self.code = error.code
        """One of `contracts.ErrorCode`, or a code of tomorrow."""
        self.retryable = error.retryable


class WaitTimeoutError(ClientError):
    """No outcome within the time given; the jobs go on, and may be waited for again."""

    def __init__(self, job_ids: Sequence[str], timeout_s: float) -> None:
        """Names the jobs that are open."""
        named = ", ".join(sorted(job_ids)[:_MOST_NAMED]) + (", …" if len(job_ids) > _MOST_NAMED else "")
        super().__init__(f"no outcome after {timeout_s:g} s for {named}; is a worker up?")
        self.job_ids = frozenset(job_ids)


def storage_error(error: Exception, place: str) -> ClientError:
    """Our error for one of `STORAGE_ERRORS`.

    Args:
        error: what the S3 client raised.
        place: the URI that was read or written.
    """
    if isinstance(error, boto.ClientError):
        return ClientError(_answer(error, place))
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
        return ClientError(f"{place}: no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile")
    if isinstance(error, boto.ParamValidationError | boto.ProfileNotFound):
        return ClientError(f"{place}: {error}")
    return UnreachableError(
        f"{place}: the object store does not answer ({_text(error)}); is AWS_ENDPOINT_URL_S3 right?"
    )


def broker_error(error: Exception, servers: str) -> ClientError:
    """Our error for one of `BROKER_ERRORS`."""
    if isinstance(error, kafka.MessageSizeTooLargeError):
        return ClientError(f"the request is larger than the broker takes: {error}")
    if isinstance(error, ShutOutError):
        text = error.sentence(servers)
        is_outage = error.cause in {Cause.SILENT, Cause.TOKENLESS}
        return UnreachableError(text) if is_outage else AccessError(error.cause, text)
    if isinstance(error, REFUSALS):
        text = f"the broker at {servers} refuses access ({_text(error)}); check credentials and ACLs"
        return AccessError(Cause.REFUSED, text)
    if isinstance(error, kafka.KafkaConnectionError | kafka.KafkaTimeoutError | OSError):
        return UnreachableError(f"no Kafka broker answers at {servers}; is it up, and is the address right?")
    return ClientError(f"the broker at {servers} does not do it: {_text(error)}")


def _answer(error: boto.ClientError, place: str) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return f"{place}: there is no such bucket; create it or name another"
    if code in _CREDENTIALS:
        return f"{place}: the store does not take the AWS credentials ({code}); renew them"
    if code == "NoSuchKey":
        return f"{place}: there is no such object"
    if status in {401, 403}:
        return f"{place}: access is refused ({code}); check the credentials and the bucket's policy"
    return f"{place}: the object store refuses ({code}: {error.response.get('Error', {}).get('Message', '')})"


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
