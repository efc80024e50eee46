"""What the desk needs of the settings, and what it tells when it had to do without its journal."""

from __future__ import annotations

import click

from consumer.adapters.s3_store import StoreConfig
from consumer.adapters.telemetry import configure_logging
from consumer.cli.printable import on_one_line
from consumer.core.intake.readings import IntakeRules
from consumer.desk.opening import Desk, DeskConfig
from consumer.settings import LogLevel, Settings


def desk_config(settings: Settings, topic: str | None) -> DeskConfig:
    """Where things are; `topic` stands in for that of the settings."""
    is_debugging = settings.log.level is LogLevel.DEBUG
    # Whatever fails is told once, at the end.
    configure_logging(as_json=False, level=settings.log.level if is_debugging else "critical")
    s3 = settings.s3
    return DeskConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        security=settings.kafka,
        topic=topic or settings.topics.dlt,
        state_prefix=s3.state_prefix,
        rules=IntakeRules(settings.intake.key_encoding),
        store=StoreConfig(s3.addressing, s3.encryption, s3.kms_key_id),
    )


def tell_gap(desk: Desk) -> None:
    """Says that it is not known what was handled, if it is not."""
    if desk.journal.gap is not None:
        click.echo(on_one_line(f"steno: what was handled is not known: {desk.journal.gap}"), err=True)
