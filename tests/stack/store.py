"""An S3 server for tests: the one named in the environment, else LocalStack, in a container or not, else moto."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stack.cache import fetched
from tests.stack.containers import Contained, localstack_container
from tests.stack.environment import make_environment, python_for
from tests.stack.service import MissingServiceError, free_ports, listens, running, work_directory

ADDRESS_VARIABLE: Final = "STENO_TEST_S3"
_REGION: Final = "us-east-1"
_LOCALSTACK_VERSION: Final = "4.14.0"
_LOCALSTACK_LOCK: Final = Path(__file__).parent / "localstack" / "requirements.lock"
_LOCALSTACK_PYTHON: Final = "3.13"


@dataclass(frozen=True)
class S3Address:
    """Where the store is and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str

    def environment(self) -> dict[str, str]:
        """The variables with which any AWS client finds this store."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
        }


@dataclass(frozen=True)
class Store:
    """Where the store is and what it is."""

    address: S3Address
    name: str
    contained: Contained | None = None
    """The container that it is in."""


@contextmanager
def given_store() -> Iterator[Store]:
    """The store whose address stands in the environment, with its credentials."""
    endpoint = os.environ.get(ADDRESS_VARIABLE)
    if not endpoint:
        raise MissingServiceError(f"{ADDRESS_VARIABLE} is not set")
    try:
        key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    except KeyError as exc:
        raise MissingServiceError(f"{ADDRESS_VARIABLE} is set and {exc.args[0]} is not") from exc
    region = os.environ.get("AWS_DEFAULT_REGION", _REGION)
    yield Store(S3Address(endpoint, key, secret, region), f"the S3 store at {endpoint}")


@contextmanager
def contained_localstack() -> Iterator[Store]:
    """LocalStack in a container."""
    with localstack_container() as found:
        yield Store(address_of(found.outside), found.name, found)


@contextmanager
def localstack() -> Iterator[Store]:
    """LocalStack from PyPI in an environment of its own: it needs one Python and many exact versions."""
    python = python_for(_LOCALSTACK_PYTHON)
    home = fetched(
        "localstack", _LOCALSTACK_LOCK.read_bytes(), lambda folder: make_environment(folder, python, _LOCALSTACK_LOCK)
    )
    (port,) = free_ports(1)
    with work_directory() as directory:
        # Binds every interface, whatever the address here says.
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory),
            "LOCALSTACK_VOLUME_DIR": str(directory), "GATEWAY_LISTEN": f"127.0.0.1:{port}", "SERVICES": "s3",
            "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "DNS_ADDRESS": "0",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": _REGION,
        }  # fmt: skip
        health = f"http://127.0.0.1:{port}/_localstack/health"
        command = [str(home / "bin" / "python"), "-m", "localstack.runtime.main"]
        with running(command, directory, environment, lambda: _answers(health)):
            yield Store(address_of(f"http://127.0.0.1:{port}"), f"LocalStack {_LOCALSTACK_VERSION}")


@contextmanager
def moto() -> Iterator[Store]:
    """Moto's server, from the environment that runs the tests."""
    (port,) = free_ports(1)
    with work_directory() as directory:
        command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
        with running(command, directory, {"PATH": os.environ["PATH"]}, lambda: listens(port)):
            yield Store(address_of(f"http://127.0.0.1:{port}"), f"moto {importlib.metadata.version('moto')}")


PROVIDERS: Final[Sequence[Callable[[], AbstractContextManager[Store]]]] = (
    given_store,
    contained_localstack,
    localstack,
    moto,
)
"""In order of preference."""


def address_of(endpoint: str) -> S3Address:
    """The address of a store that takes any credentials."""
    return S3Address(endpoint, "test", "test", _REGION)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  # an address of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
