"""Every way to secure the link, and every way to be refused, on a real broker."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.adapters.kafka.rights import Right
from consumer.adapters.kafka.sink import KafkaSink, SinkConfig
from consumer.adapters.kafka.source import KafkaSource, SourceConfig
from consumer.adapters.kafka.topics import require_topics
from consumer.cli.ending import run
from consumer.core.failures import ExitCode, FatalError, OutageError
from consumer.environment import load_settings
from consumer.ports import OutboundRecord
from contracts.broker import BrokerSecurity
from contracts.broker.oauth import ClientCredentialTokens, Grant
from contracts.broker.tokens import TokenError
from contracts.client import AccessError, ClientConfig, StenoClient
from contracts.requests import Input, TranscriptionRequest
from tests.stack.clients import make_topic
from tests.stack.secured import LIMITED, PASSWORD, USER, Secured
from tests.stack.tokens import CLIENT_ID, CLIENT_SECRET, TokenEndpoint, token_endpoint
from tests.waiting import DEADLINE_S, until

Fields = dict[str, str]
Making = Callable[[Secured], Fields]
Check = Callable[[str, Fields], tuple[int, str]]


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    """Gives tokens."""
    with token_endpoint() as found:
        yield found


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


def tls(secured: Secured, **others: object) -> Fields:
    fields = {"security_protocol": "SSL", "ssl_cafile": str(secured.authority.file)}
    return fields | {name: str(value) for name, value in others.items()}


def shown(secured: Secured) -> Fields:
    return tls(secured, ssl_certfile=secured.identity.certificate, ssl_keyfile=secured.identity.key)


def sasl(mechanism: str, user: str = USER, password: str = PASSWORD) -> Fields:
    return {
        "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism, "sasl_username": user,
        "sasl_password": password,
    }  # fmt: skip


def oauth(secured: Secured, endpoint: TokenEndpoint, path: str = "/token", secret: str = CLIENT_SECRET) -> Fields:
    return tls(secured) | {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "oauth_token_url": endpoint.url(path),
        "oauth_client_id": CLIENT_ID, "oauth_client_secret": secret, "oauth_scope": "kafka",
    }  # fmt: skip


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


async def test_a_session_that_ends_with_its_token_is_opened_again(
    secured: Secured, endpoint: TokenEndpoint, topic_name: str
) -> None:
    address, security = secured.address("sasltls"), BrokerSecurity.model_validate(oauth(secured, endpoint))
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    # The broker ends each session with its token; a token serves for four fifths of that.
    endpoint.life_s = 2.0
    async with (
        asyncio.timeout(DEADLINE_S),
        KafkaSink(SinkConfig(address, security)) as sink,
        KafkaSource(SourceConfig(address, topic_name, topic_name, security)) as source,
    ):
        until_s = asyncio.get_running_loop().time() + 3 * endpoint.life_s
        sent = 0
        while asyncio.get_running_loop().time() < until_s:
            await sink.publish(OutboundRecord(topic_name, b"key", str(sent).encode()))
            delivery = await source.receive()
            assert delivery.record.value == str(sent).encode()
            source.settle(delivery)
            sent += 1
            await asyncio.sleep(0.2)
    assert len(endpoint.asked) > 3, "a token was used beyond its life"
    assert endpoint.asked[0] == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


async def test_a_secret_that_is_wrong_later_is_an_outage_and_heals_when_it_is_right_again(
    secured: Secured, topic_name: str, tmp_path: Path
) -> None:
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    fields = {**secured.scram_fields, "sasl_password_file": str(file)}
    del fields["sasl_password"]
    security = BrokerSecurity.model_validate(fields)
    record = OutboundRecord(topic_name, b"key", b"value")
    async with KafkaSink(SinkConfig(secured.address("sasltls"), security)) as sink:
        await sink.publish(record)
        file.write_text("rotated")
        sink._retire(sink._producer)
        with pytest.raises(OutageError, match=r"does not take user 'worker'.*sasl_password_file"):
            await sink.publish(record)
        file.unlink()
        with pytest.raises(OutageError, match=r"password cannot be read.*sasl_password_file"):
            await sink.publish(record)
        file.write_text(PASSWORD)
        await sink.publish(record)


async def test_a_member_whose_secret_was_exchanged_comes_back_with_the_new_one(
    secured: Secured, topic_name: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    fields = {**secured.scram_fields, "sasl_password_file": str(file)}
    del fields["sasl_password"]
    security = BrokerSecurity.model_validate(fields)
    await make_topic(secured.address("plaintext"), topic_name, partitions=1)
    config = SourceConfig(
        secured.address("sasltls"), topic_name, topic_name, security,
        look_s=0.5, session_timeout_ms=3000, heartbeat_interval_ms=500,
    )  # fmt: skip
    async with asyncio.timeout(2 * DEADLINE_S), KafkaSource(config) as source:
        await until(lambda: source.is_ready, "the member is ready")
        member = source._member
        assert member is not None
        # As if the broker had another password from now on: what the member was built with is taken no more.
        client = member._consumer._client
        client._sasl_plain_password = "old"
        for conn in list(client._conns.values()):
            conn.close()
        await until(lambda: source._member not in {None, member} and source.is_ready, "another member is ready")


async def test_who_is_refused_while_it_runs_waits_with_the_reason_and_goes_on(
    secured: Secured, endpoint: TokenEndpoint, topic_name: str
) -> None:
    address, security = secured.address("sasltls"), BrokerSecurity.model_validate(oauth(secured, endpoint))
    opened = secured.address("plaintext")
    await make_topic(opened, topic_name, partitions=1)
    endpoint.life_s = 2.0
    config = SourceConfig(address, topic_name, topic_name, security, look_s=0.5)
    async with asyncio.timeout(2 * DEADLINE_S), KafkaSink(SinkConfig(opened)) as sink, KafkaSource(config) as source:
        await until(lambda: source.is_ready, "the member is ready")
        endpoint.refuses = True
        with capture_logs() as lines:
            await until(lambda: any(line["event"] == "broker_refuses" for line in lines), "a refusal")
        (refusal, *_) = [line for line in lines if line["event"] == "broker_refuses"]
        assert re.search(r"status 401 \(invalid_client\).*oauth_client_secret", refusal["error"])
        assert not source.is_ready
        await sink.publish(OutboundRecord(topic_name, b"key", b"meanwhile"))
        endpoint.refuses = False
        endpoint.life_s = 60.0
        delivery = await source.receive()
        assert delivery.record.value == b"meanwhile"
        source.settle(delivery)


class TestRights:
    @pytest.fixture
    def security(self) -> BrokerSecurity:
        return BrokerSecurity.model_validate(sasl("PLAIN", LIMITED))

    async def test_a_topic_out_of_sight_is_told_from_one_that_is_not_there(
        self, secured: Secured, topic_name: str, security: BrokerSecurity
    ) -> None:
        await make_topic(secured.address("plaintext"), topic_name, partitions=1)
        with pytest.raises(FatalError, match=f"{topic_name}.*grant us DESCRIBE") as caught:
            await require_topics(secured.address("sasl"), {topic_name: Right.READ}, security)
        assert caught.value.exit_code is ExitCode.TOPICS_MISSING

    async def test_rights_on_topics_are_asked_for_before_work_begins(
        self, secured: Secured, topic_name: str, security: BrokerSecurity
    ) -> None:
        other = f"{topic_name}-other"
        for name in (topic_name, other):
            await make_topic(secured.address("plaintext"), name, partitions=1)
            await secured.allow("describe", "topic", name)
        wanted = {topic_name: Right.READ, other: Right.WRITE}
        await seen(secured, security, *wanted)
        with pytest.raises(FatalError, match=f"grant READ on {topic_name}; grant WRITE on {other}$") as caught:
            await require_topics(secured.address("sasl"), wanted, security)
        assert caught.value.exit_code is ExitCode.REFUSED
        with pytest.raises(FatalError, match="no topic; grant WRITE") as caught:
            await KafkaSink(SinkConfig(secured.address("sasl"), security)).__aenter__()
        assert caught.value.exit_code is ExitCode.REFUSED

    async def test_a_group_that_is_denied_is_named(
        self, secured: Secured, topic_name: str, unique: str, security: BrokerSecurity
    ) -> None:
        await make_topic(secured.address("plaintext"), topic_name, partitions=1)
        await secured.allow("read", "topic", topic_name)
        await seen(secured, security, topic_name)
        with pytest.raises(FatalError, match=f"no group {unique}; grant READ") as caught:
            await KafkaSource(SourceConfig(secured.address("sasl"), unique, topic_name, security)).__aenter__()
        assert caught.value.exit_code is ExitCode.REFUSED


async def seen(secured: Secured, security: BrokerSecurity, *topics: str) -> None:
    """Waits until rights that were granted are in force."""

    async def is_seen() -> bool:
        try:
            await require_topics(secured.address("sasl"), dict.fromkeys(topics, Right.READ), security)
        except FatalError as exc:
            return exc.exit_code is not ExitCode.TOPICS_MISSING
        return True

    await until(is_seen, "the topics are in sight")


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
