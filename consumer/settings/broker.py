"""The broker and its topics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, Self

from pydantic import Field, model_validator

from consumer.settings.group import Group, variable_of
from consumer.settings.notation import Servers
from contracts.broker import BrokerSecurity
from contracts.topics import TopicRole, TopicSpec, load_topics, retry_topic

_TOPIC_NAME: Final = r"[A-Za-z0-9._-]{1,249}"
_MAX_NAME_CHARS: Final = 249
_RETRY_SUFFIX: Final = retry_topic("", "86400000")
"""The longest end that a retry topic's name may have."""


class _Place(Group):
    """Where the broker is; of fields, those of a class's last base come first."""

    bootstrap_servers: Servers = Field("localhost:9092", min_length=1, description="host:port, several with commas")
    group_id: str = Field("transcription-workers", min_length=1, description="consumer group")


class _Membership(Group):
    """How long a member may be silent."""

    session_timeout_ms: int = Field(
        12_000, ge=1_000, le=1_800_000,
        description="a worker that is silent for so long is out of the group, and others do its jobs, in ms; "
        "brokers allow 6000 to 1800000 unless told otherwise",
    )  # fmt: skip
    max_poll_interval_ms: int = Field(
        300_000, ge=3_000, le=86_400_000,
        description="likewise one whose loop stands still, in ms; the length of jobs does not matter to either",
    )  # fmt: skip


class KafkaSettings(BrokerSecurity, _Membership, _Place):
    """The broker, membership in its group, and what secures the link to it."""

    @classmethod
    def name_of(cls, field: str) -> str:
        """The variable, as faults name it."""
        return variable_of("kafka", field)


class TopicSettings(Group):
    """Topic names; the others derive from `requests` unless named."""

    requests: str = Field("transcription.requests", min_length=1, description="requests in")
    results: str = Field("", description="outcome events; unset: `requests` with `.results` as its last part")
    progress: str = Field("", description="progress events; unset: likewise with `.progress`")
    dlt: str = Field("", description="dead letters; unset: `requests` followed by `-dlt`")
    parking: str = Field("", description="dead letters replayed too often; unset: `requests` followed by `-parking`")
    publish_progress: bool = Field(True, description="whether progress events are published")

    @model_validator(mode="after")
    def _derive(self) -> Self:
        stem = self.requests.removesuffix(".requests")
        derived = {
            "results": self.results or f"{stem}.results",
            "progress": self.progress or f"{stem}.progress",
            "dlt": self.dlt or f"{self.requests}-dlt",
            "parking": self.parking or f"{self.requests}-parking",
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        if faults := list(_faults({"requests": self.requests, **derived})):
            raise ValueError("\n".join(faults))
        return self

    def specs(self, retries: Iterable[str]) -> list[TopicSpec]:
        """The topics of the contract under these names, and under those of the retry topics."""
        return [
            replace(spec, name=name)
            for role, spec in load_topics().items()
            for name in (retries if role is TopicRole.RETRY else (getattr(self, role),))
        ]


def _faults(topics: dict[str, str]) -> Iterator[str]:
    longest = _MAX_NAME_CHARS - len(_RETRY_SUFFIX)
    if longest < len(topics["requests"]) <= _MAX_NAME_CHARS:
        yield f"{variable_of('topics', 'requests')}: {longest} letters at most, as names of retry topics begin with it"
    fields_of: dict[str, list[str]] = {}
    for field, name in topics.items():
        fields_of.setdefault(name, []).append(field)
    for name, fields in fields_of.items():
        variables = " and ".join(variable_of("topics", field) for field in fields)
        if not re.fullmatch(_TOPIC_NAME, name) or name in (".", ".."):
            yield f"{variables}: {name!r} is no topic name; use letters, digits, '.', '_' and '-', 249 at most"
        if re.fullmatch(rf"{re.escape(topics['requests'])}{retry_topic('', '[0-9]+')}", name):
            yield f"{variables}: {name!r} is the name of a retry topic; choose another one"
        if len(fields) > 1:
            yield f"{variables} name one topic, {name!r}: what is published must not be read as requests; rename one"
