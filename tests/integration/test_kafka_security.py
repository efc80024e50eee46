"""Every way to secure the link, and every way to be refused, on a real broker."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.cli.ending import run
from consumer.core.failures import ExitCode
from consumer.environment import load_settings
from consumer.ports import OutboundRecord
from contracts.broker import BrokerSecurity
from contracts.broker.oauth import ClientCredentialTokens, Grant
from contracts.broker.tokens import TokenError
from contracts.client import AccessError, ClientConfig, StenoClient
from contracts.requests import Input, TranscriptionRequest
from tests.integration.links import Fields, oauth, sasl, shown, tls
from tests.stack.clients import make_topic
from tests.stack.secured import PASSWORD, Secured
from tests.stack.tokens import CLIENT_ID, CLIENT_SECRET, TokenEndpoint
from tests.waiting import DEADLINE_S

Making = Callable[[Secured], Fields]
Check = Callable[[str, Fields], tuple[int, str]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs `steno topics check`; gives its exit code and the only line that it printed, in which no secret may be."""

    def run_check(address: str, fields: Fields) -> tuple[int, str]:
        monkeypatch.setenv("STENO_KAFKA__BOOTSTRAP_SERVERS", address)
        for name, value in fields.items():
            monkeypatch.setenv(f"STENO_KAFKA__{name.upper()}", value)
        code = run(["topics", "check"], load_settings)
        printed = capsys.readouterr()
        (line,) = printed.err.splitlines()
        assert not printed.out
        assert PASSWORD not in line
        assert CLIENT_SECRET not in line
        return code, line

    return run_check


async def passed_through(address: str, security: BrokerSecurity, topic: str) -> bytes | None:
    """A value that was published, as it was received."""
    async with (
        asyncio.timeout(DEADLINE_S),
        KafkaSink(SinkConfig(address, security)) as sink,
        KafkaSource(SourceConfig(address, topic, topic, security)) as source,
    ):
        await sink.publish(OutboundRecord(topic, b"key", b"value"))
        delivery = await source.receive()
        source.settle(delivery)
        return delivery.record.value


@pytest.mark.parametrize(
    ("listener", "make"),
    [
        pytest.param("tls", tls, id="TLS"),
        pytest.param("elsewhere", lambda secured: tls(secured, ssl_check_hostname=False), id="TLS, any host"),
        pytest.param("mtls", shown, id="TLS, client certificate"),
        pytest.param(
            "mtls", lambda secured: tls(secured, ssl_certfile=secured.identity.both), id="TLS, both in one file"
        ),
        pytest.param("sasl", lambda _: sasl("PLAIN"), id="PLAIN"),
        pytest.param("sasl", lambda _: sasl("SCRAM-SHA-256"), id="SCRAM-SHA-256"),
        pytest.param("sasltls", lambda secured: secured.scram_fields, id="TLS, SCRAM-SHA-512"),
    ],
)
async def test_records_pass_through_each_kind_of_link(
    secured: Secured, topic_name: str, listener: str, make: Making
) -> None:
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    security = BrokerSecurity.model_validate(make(secured))
    assert await passed_through(secured.address(listener), security, topic_name) == b"value"


REFUSED, MISFIT, AWAY = ExitCode.REFUSED, ExitCode.BAD_SETTINGS, ExitCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("listener", "make", "refusal"),
    [
        ("sasltls", lambda s: s.scram_fields | {"sasl_password": "no"}, (REFUSED, "take user 'worker'.*SASL_PASSWORD")),
        ("sasltls", lambda s: s.scram_fields | {"sasl_username": "no"}, (REFUSED, "take user 'no'.*SASL_USERNAME")),
        ("sasl", lambda _: sasl("PLAIN", password="no"), (REFUSED, "take user 'worker'.*SASL_PASSWORD")),
        ("sasl", lambda _: sasl("SCRAM-SHA-512"), (MISFIT, "not offer.*SCRAM-SHA-512; check .*SASL_MECHANISM")),
        ("plaintext", lambda _: sasl("PLAIN"), (MISFIT, "speaks no SASL.*SECURITY_PROTOCOL")),
        ("sasl", lambda _: {}, (MISFIT, "shows no SASL.*SECURITY_PROTOCOL")),
        ("sasltls", tls, (MISFIT, "shows no SASL.*SECURITY_PROTOCOL")),
        ("tls", lambda _: {}, (MISFIT, "speaks TLS.*SECURITY_PROTOCOL")),
        ("sasltls", lambda _: sasl("SCRAM-SHA-512"), (MISFIT, "speaks TLS.*SASL_SSL would fit")),
        ("plaintext", tls, (MISFIT, "speaks no TLS.*SECURITY_PROTOCOL")),
        ("tls", lambda s: tls(s) | {"ssl_cafile": str(s.stranger.file)}, (REFUSED, "stranger.pem trusts.*SSL_CAFILE")),
        ("tls", lambda _: {"security_protocol": "SSL"}, (REFUSED, "this system trusts.*SSL_CAFILE")),
        ("expired", tls, (REFUSED, "certificate has expired")),
        ("elsewhere", tls, (REFUSED, "not for localhost.*BOOTSTRAP_SERVERS")),
        ("mtls", tls, (REFUSED, "wants a client certificate; check .*SSL_CERTFILE")),
        ("mtls", lambda s: tls(s, ssl_certfile=s.stranger.issue("x").both), (REFUSED, "not take the client cert")),
    ],
)  # fmt: skip
def test_who_is_refused_reads_why_in_one_line(
    secured: Secured, check: Check, listener: str, make: Making, refusal: tuple[ExitCode, str]
) -> None:
    code, line = check(secured.address(listener), make(secured))
    assert code == refusal[0]
    assert re.search(refusal[1], line)


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        (("/token", "wrong secret"), (REFUSED, r"status 401 \(invalid_client\).*OAUTH_CLIENT_SECRET")),
        (("/html", CLIENT_SECRET), (AWAY, "its answer is no token.*OAUTH_TOKEN_URL")),
        (("/empty", CLIENT_SECRET), (AWAY, "its answer is no token.*OAUTH_TOKEN_URL")),
        (("/broken", CLIENT_SECRET), (AWAY, "status 500.*OAUTH_TOKEN_URL")),
        (("/elsewhere", CLIENT_SECRET), (AWAY, "status 302.*OAUTH_TOKEN_URL")),
    ],
)
def test_who_gets_no_token_reads_why_in_one_line(
    secured: Secured, endpoint: TokenEndpoint, check: Check, ask: tuple[str, str], refusal: tuple[ExitCode, str]
) -> None:
    code, line = check(secured.address("sasltls"), oauth(secured, endpoint, *ask))
    assert code == refusal[0]
    assert re.search(refusal[1], line)
    assert not endpoint.asked


async def test_a_token_endpoint_that_hangs_is_given_up(endpoint: TokenEndpoint) -> None:
    tokens = ClientCredentialTokens(Grant(endpoint.url("/hang"), CLIENT_ID, CLIENT_SECRET, answer_timeout_s=0.2))
    with pytest.raises(TokenError, match=r"no answer within 0\.2 s"):
        await tokens.token()


@pytest.mark.usefixtures("aws_environment")
async def test_the_client_library_passes_and_is_refused_alike(secured: Secured, topic_name: str) -> None:
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    request = TranscriptionRequest(input=Input(uri="s3://media/talk.mp3"))
    config = ClientConfig(secured.address("sasltls"), secured.scram, topic_name)
    async with StenoClient(config) as client:
        await client.submit(request)
    wrong = BrokerSecurity.model_validate(secured.scram_fields | {"sasl_password": "no"})
    async with StenoClient(ClientConfig(secured.address("sasltls"), wrong, topic_name)) as client:
        with pytest.raises(AccessError, match=r"does not take user 'worker'.*sasl_password and sasl_mechanism$"):
            await client.submit(request)
