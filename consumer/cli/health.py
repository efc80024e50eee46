"""`steno health`: whether the worker of this machine takes work, as its own endpoint tells; for container probes."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Final

import click

from consumer import dotfile
from consumer.cli import SettingsLoader
from consumer.cli.printable import on_one_line
from consumer.core.failures import ExitCode, FatalError

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Where a server that listens on every address is reached."""
HOST: Final = "127.0.0.1"
PORT: Final = 8080
"""As in the settings, which are not asked."""
_LARGEST_PORT: Final = 65535
_READY: Final = "/readyz"
_LIVE: Final = "/livez"
_LARGEST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a health endpoint said."""

    status: int
    body: bytes

    @property
    def is_well(self) -> bool:
        """Whether every check holds."""
        return self.status == http.client.OK


@click.command("health")
@click.option("--live", "asks_life", is_flag=True, help="Ask whether it lives (/livez), not whether it takes work.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the document as the worker gives it.")
@click.pass_obj
def command(load_settings: SettingsLoader, *, asks_life: bool, timeout_s: float, as_json: bool) -> ExitCode:
    """Asks the worker of this machine whether it takes work (/readyz on STENO_HEALTH__HOST and STENO_HEALTH__PORT).

    Exit code 0 when it does, 1 when it does not or nobody answers: what a container's health check wants.
    """
    host, port = _asked() or _validated(load_settings)
    if not port:
        text = "STENO_HEALTH__PORT is 0, so the worker took a port that only its log tells; set a port of your choice"
        raise FatalError(ExitCode.FAILED, text)
    host = _LOOPBACK.get(host, host).strip("[]")
    path = _LIVE if asks_life else _READY
    try:
        answer = ask(host, port, path, timeout_s)
    except (OSError, UnicodeError, http.client.HTTPException) as exc:  # the second: a name that no host can have
        where = f"http://{host_in_url(host)}:{port}{path}"
        why = "no answer in time" if isinstance(exc, TimeoutError) else getattr(exc, "strerror", None) or str(exc)
        text = f"nobody answers at {where} ({why}); is a worker running, with the same STENO_HEALTH__*?"
        raise FatalError(ExitCode.FAILED, text) from exc
    click.echo(answer.body.decode(errors="replace") if as_json else on_one_line(line_of(answer, asks_life=asks_life)))
    return ExitCode.OK if answer.is_well else ExitCode.FAILED


def _asked() -> tuple[str, int] | None:
    """Host and port, read in a hurry: settings take longer than all the rest. None where they had better be judged."""
    try:
        host, port = dotfile.value_of("STENO_HEALTH__HOST"), dotfile.value_of("STENO_HEALTH__PORT")
    except (OSError, UnicodeError):
        return None
    is_plain = not port or (port.isascii() and port.isdecimal() and int(port) <= _LARGEST_PORT)
    return (host or HOST, int(port or PORT)) if is_plain else None


def _validated(load_settings: SettingsLoader) -> tuple[str, int]:
    health = load_settings().health
    return health.host, health.port


def ask(host: str, port: int, path: str, timeout_s: float) -> Answer:
    """Gets one page; each wait on the socket ends after `timeout_s`.

    Raises:
        OSError: nobody answers.
        http.client.HTTPException: what answers does not speak HTTP.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.read(_LARGEST_BYTES))
    finally:
        connection.close()


def line_of(answer: Answer, *, asks_life: bool) -> str:
    """One line: that all is well, or which checks fail."""
    if answer.is_well:
        return "alive" if asks_life else "ready"
    failing = failing_checks(answer.body)
    if not failing:
        return f"HTTP {answer.status}: something else than a worker listens there; see STENO_HEALTH__PORT"
    return f"{'not alive' if asks_life else 'not ready'}: {', '.join(failing)}"


def failing_checks(body: bytes) -> list[str]:
    """Names of the checks that fail, by the endpoint's document; none where it is something else."""
    try:
        return [str(name) for name, holds in json.loads(body)["checks"].items() if not holds]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def host_in_url(host: str) -> str:
    """The host as it stands in a URL, where addresses of IPv6 are in brackets."""
    return f"[{host}]" if ":" in host else host
