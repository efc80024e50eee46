"""What makes two requests the same: the id derived for one that brings none, and the fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from contracts.requests import Options, TranscriptionRequest, split_s3_uri

_DERIVED_ID_CHARS: Final = 40


def derive_job_id(request: TranscriptionRequest) -> str:
    """The id of a request that brings none: equal for a repeated request, different for new content or options.

    And for another tenant: both may have their results under one prefix.
    """
    bucket, key = split_s3_uri(request.input.uri)
    version = request.input.version_id or request.input.etag
    return _digest([bucket, key, version, _options(request.options), *_tenant(request)])[:_DERIVED_ID_CHARS]


def fingerprint(request: TranscriptionRequest) -> str:
    """Says whether two requests with one job id ask for the same: sha256 over input, options, model and tenant.

    The model is the one that the request names; a worker's change of default model must not turn a repeated
    request into a conflict. Options at their default are left out, so that a new option changes no fingerprint; so
    is a tenant where there is none. The deadline says how long to try, not what to do.
    """
    source = request.input
    return _digest([source.uri, source.version_id, source.etag, _options(request.options), *_tenant(request)])


def _tenant(request: TranscriptionRequest) -> list[str]:
    return [] if request.tenant is None else [request.tenant]


def _options(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude_defaults=True)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
