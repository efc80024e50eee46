"""`steno languages`: what `--language` takes."""

from __future__ import annotations

import json

import click

from contracts.languages import LANGUAGE_NAMES


@click.command("languages")
@click.option("--json", "as_json", is_flag=True, help="Print one document a language.")
def command(*, as_json: bool) -> None:
    """Lists the languages that multilingual models know: the code for --language, and its English name.

    Models whose name ends in .en know English only.
    """
    width = max(map(len, LANGUAGE_NAMES))
    for code, name in LANGUAGE_NAMES.items():
        click.echo(json.dumps({"code": code, "name": name}) if as_json else f"{code:{width}}  {name}")
