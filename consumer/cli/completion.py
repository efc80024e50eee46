"""`steno completion`: what makes a shell complete commands, flags and values."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_NAME: Final = "steno"
_VARIABLE: Final = "_STENO_COMPLETE"
"""By which click, in `consumer.cli.ending`, knows that a shell asks."""
_SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> None:
    """Prints the script that makes SHELL complete steno's commands, flags and their values.

    \b
    bash   steno completion bash > ~/.local/share/bash-completion/completions/steno
    zsh    steno completion zsh > "${fpath[1]}/_steno"
    fish   steno completion fish > ~/.config/fish/completions/steno.fish

    Or for one session: eval "$(steno completion bash)". Bash wants version 4.4 or later.
    """  # noqa: D301 - click's mark for lines that stay as they are
    asking = _SHELLS[shell](click.Group(_NAME), {}, _NAME, _VARIABLE)
    # Not `source()`, which looks at the version of whatever bash is on the path.
    script = asking.source_template % asking.source_vars()
    # click's script for fish cuts a value at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
