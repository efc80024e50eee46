"""`steno topics`: the topics of `contracts/topics.yaml`, made or compared on the broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence

import click

from consumer.adapters.kafka.topics import TopicReport, TopicState, check_topics, ensure_topics
from consumer.cli import SettingsLoader
from consumer.core.failures import ExitCode
from consumer.settings import Settings
from contracts.broker import BrokerSecurity
from contracts.topics import TopicSpec

_Compare = Callable[[str, Sequence[TopicSpec], BrokerSecurity], Awaitable[list[TopicReport]]]

_json_flag = click.option("--json", "as_json", is_flag=True, help="Print one document a topic.")


@click.group(no_args_is_help=False)
def command() -> None:
    """Creates or checks the topics on the broker (STENO_KAFKA__BOOTSTRAP_SERVERS, STENO_TOPICS__*)."""


@command.command()
@_json_flag
@click.pass_obj
def init(load_settings: SettingsLoader, *, as_json: bool) -> ExitCode:
    """Creates what is missing; a topic that exists is compared and never changed."""
    return _run(ensure_topics, load_settings(), as_json=as_json)


@command.command()
@_json_flag
@click.pass_obj
def check(load_settings: SettingsLoader, *, as_json: bool) -> ExitCode:
    """Compares and changes nothing; exit code 72 when a topic is missing, 1 when one differs."""
    return _run(check_topics, load_settings(), as_json=as_json)


def exit_code_for(reports: Sequence[TopicReport]) -> ExitCode:
    """What the command says about the whole."""
    states = {report.state for report in reports}
    if TopicState.MISSING in states:
        return ExitCode.TOPICS_MISSING
    return ExitCode.FAILED if TopicState.DIFFERS in states else ExitCode.OK


def _run(compare: _Compare, settings: Settings, *, as_json: bool) -> ExitCode:
    reports = asyncio.run(_compare(compare, settings))
    width = max(len(report.name) for report in reports)
    for report in reports:
        click.echo(_document(report) if as_json else _line(report, width))
    for advice in _advice(reports):
        click.echo(f"steno: {advice}", err=True)
    return exit_code_for(reports)


async def _compare(compare: _Compare, settings: Settings) -> list[TopicReport]:
    return await compare(settings.kafka.bootstrap_servers, settings.topic_specs, settings.kafka)


def _advice(reports: Sequence[TopicReport]) -> Iterator[str]:
    """One sentence for each kind of fault: which topics, and what to do."""
    names = {state: ", ".join(report.name for report in reports if report.state is state) for state in TopicState}
    if missing := names[TopicState.MISSING]:
        yield f"missing: {missing}; make them with `steno topics init`"
    if differing := names[TopicState.DIFFERS]:
        yield f"not as they should be: {differing}; steno changes no topic, alter them with your broker's tools"


def _line(report: TopicReport, width: int) -> str:
    differences = f": {'; '.join(report.differences)}" if report.differences else ""
    return f"{report.name:{width}}  {report.state}{differences}"


def _document(report: TopicReport) -> str:
    return json.dumps({"topic": report.name, "state": report.state, "differences": report.differences})
