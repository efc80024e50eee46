"""Every setting of the service: its variable, type, unit, default and meaning.

Variables are `STENO_<GROUP>__<FIELD>`, from the environment or a `.env` file; `AWS_*` and `OTEL_*` keep their
standard meaning and are read by their own libraries.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from consumer.core.ladder import Ladder
from consumer.dotfile import ENCODING, ENV_FILE
from consumer.settings.brake import BrakeSettings
from consumer.settings.broker import KafkaSettings, TopicSettings
from consumer.settings.coordination import LeaseSettings, SharingSettings
from consumer.settings.dlq import DlqSettings
from consumer.settings.engine import EngineKind, EngineSettings, ModelSettings
from consumer.settings.group import DELIMITER, PREFIX, Group, variable_of
from consumer.settings.intake import IntakeSettings
from consumer.settings.media import MediaSettings
from consumer.settings.process import HealthSettings, LogFormat, LogLevel, LogSettings, ShutdownSettings, WorkerSettings
from consumer.settings.retry import RetrySettings
from consumer.settings.storage import S3Settings, ScratchSettings
from contracts.topics import TopicSpec

__all__ = [
    "DELIMITER",
    "PREFIX",
    "BrakeSettings",
    "DlqSettings",
    "EngineKind",
    "EngineSettings",
    "Group",
    "HealthSettings",
    "IntakeSettings",
    "KafkaSettings",
    "LeaseSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "MediaSettings",
    "ModelSettings",
    "RetrySettings",
    "S3Settings",
    "ScratchSettings",
    "Settings",
    "SharingSettings",
    "ShutdownSettings",
    "TopicSettings",
    "WorkerSettings",
    "variable_of",
]


class Settings(BaseSettings):
    """All settings, frozen. Built in `__main__` and known to `app` and its `parts` alone."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_file=ENV_FILE, env_file_encoding=ENCODING,
        env_ignore_empty=True, frozen=True, extra="ignore", case_sensitive=False,
    )  # fmt: skip

    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    s3: S3Settings = Field(default_factory=S3Settings)
    intake: IntakeSettings = Field(default_factory=IntakeSettings)
    retry: RetrySettings = Field(default_factory=RetrySettings)
    dlq: DlqSettings = Field(default_factory=DlqSettings)
    lease: LeaseSettings = Field(default_factory=LeaseSettings)
    sharing: SharingSettings = Field(default_factory=SharingSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    brake: BrakeSettings = Field(default_factory=BrakeSettings)
    shutdown: ShutdownSettings = Field(default_factory=ShutdownSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    scratch: ScratchSettings = Field(default_factory=ScratchSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @property
    def ladder(self) -> Ladder:
        """The tiers in which requests wait for their next attempt."""
        return Ladder(self.topics.requests, self.retry.delays_ms)

    @property
    def topic_specs(self) -> list[TopicSpec]:
        """The topics of the contract under these names, one for each retry delay."""
        return self.topics.specs(self.ladder.topics)
