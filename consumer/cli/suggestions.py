"""Values that a shell completes, for flags whose type does not tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import CompletionItem

from consumer.core.failures import ConsumerError
from consumer.models.names import NAMES
from contracts.languages import LANGUAGE_NAMES
from contracts.requests import OutputFormat

Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def suggest_models(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Models that the settings name, and all of faster-whisper's; settings that are faulty name none."""
    names = {name: f"about {model.about_mb} MB" for name, model in NAMES.items()}
    with suppress(ConsumerError):
        settings = ctx.find_root().obj()
        named = dict.fromkeys(settings.models.names_with(settings.engine.model), "in the settings")
        names = named | {name: help_ for name, help_ in names.items() if name not in named}
    return _beginning(incomplete, names)


def suggest_languages(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Codes, with the languages' names where the shell shows them."""
    return _beginning(incomplete, LANGUAGE_NAMES)


def suggest_formats(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The last item of a list with commas, and only what is not in it yet."""
    return _in_list(incomplete, [each.value for each in OutputFormat])


def suggest_files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Whatever the shell finds; for inputs that may also be URIs."""
    return [CompletionItem(incomplete, type="file")]


BY_OPTION: Final[Mapping[str, Suggest]] = {"model": suggest_models, "language": suggest_languages}
"""For the options of a request, whose flags are generated."""


def _beginning(incomplete: str, values: Mapping[str, str]) -> list[CompletionItem[str]]:
    return [CompletionItem(value, help=said) for value, said in values.items() if value.startswith(incomplete)]


def _in_list(incomplete: str, values: Iterable[str]) -> list[CompletionItem[str]]:
    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    return [CompletionItem(f"{before}{comma}{each}") for each in values if each.startswith(last) and each not in taken]
