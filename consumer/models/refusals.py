"""What the hub's refusals mean, as clauses for the user that say what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from httpx2 import HTTPError
from huggingface_hub import errors

_MEANINGS: Final[Sequence[tuple[type[Exception], str]]] = (
    (errors.RevisionNotFoundError, "the hub has no revision '{revision}' of {repository}"),
    (
        errors.GatedRepoError,
        "the hub gives {repository} only to those who accepted its terms: accept them there, and set HF_TOKEN",
    ),
    (
        errors.RepositoryNotFoundError,
        "the hub knows no {repository}, or keeps it private: check the name, or set HF_TOKEN",
    ),
    (errors.RemoteEntryNotFoundError, "a file of {repository} is gone from the hub at {endpoint}"),
    (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE forbids the hub"),
    (errors.HfHubHTTPError, "the hub at {endpoint} answers {status} for {repository}"),
    (ImportError, "the hub at {endpoint} cannot be asked through this proxy: {detail}"),
    (HTTPError, "the hub at {endpoint} cannot be reached ({detail})"),
    (Exception, "the hub at {endpoint} gives no answer that can be read ({detail})"),
)
"""From `huggingface_hub`'s errors and those of its transport; the first that fits."""

_CREDENTIALS: Final = (401, 403)


def explain(exc: Exception, endpoint: str, repository: str, revision: str | None) -> str:
    """The clause for an error that the hub's client raised."""
    template = next(template for kind, template in _MEANINGS if isinstance(exc, kind))
    status = exc.response.status_code if isinstance(exc, errors.HfHubHTTPError) else 0
    text = template.format(
        endpoint=endpoint, repository=repository, revision=revision, status=status, detail=in_short(exc)
    )
    return f"{text}: set HF_TOKEN to one that may" if status in _CREDENTIALS and "HF_TOKEN" not in text else text


def is_address(endpoint: str) -> bool:
    """Whether a hub can be asked there at all."""
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def in_short(exc: Exception) -> str:
    """An error's own words on one line."""
    return re.sub(r"\s+", " ", str(exc) or type(exc).__name__)[:200]
