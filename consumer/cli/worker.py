"""`steno worker`: takes requests until it is told to end."""

from __future__ import annotations

import asyncio

import click

from consumer.app import run_worker
from consumer.cli import SettingsLoader


@click.command("worker")
@click.pass_obj
def command(load_settings: SettingsLoader) -> None:
    """Run a worker until SIGTERM or Ctrl-C; a second one hurries it.

    Settings come from STENO_* variables or a .env file; the README lists them. Log lines go to standard error.
    """
    asyncio.run(run_worker(load_settings()))
