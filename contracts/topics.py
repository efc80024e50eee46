"""The topics that steno uses: `topics.yaml` as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources

import yaml


class TopicRole(StrEnum):
    """What a topic is for."""

    REQUESTS = "requests"
    RESULTS = "results"
    PROGRESS = "progress"
    RETRY = "retry"
    """As many topics as there are tiers, one delay each; its specification is a template of them."""
    DLT = "dlt"
    PARKING = "parking"
    """Dead letters that were replayed too often."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    name: str
    partitions: int
    replication_factor: int | None = None
    """None: 3, or as many brokers as there are."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Kafka's own names and texts."""


def load_topics() -> dict[TopicRole, TopicSpec]:
    """Every role with its topic, in the file's order; names are the defaults."""
    text = resources.files("contracts").joinpath("topics.yaml").read_text("utf-8")
    return {TopicRole(role): TopicSpec(**spec) for role, spec in yaml.safe_load(text).items()}


def retry_topic(requests: str, delay_ms: int | str) -> str:
    """The topic in which records of a requests topic wait for so long, named as Spring Kafka names it."""
    return f"{requests}-retry-{delay_ms}"
