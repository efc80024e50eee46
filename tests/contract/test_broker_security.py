"""Which set-ups of the broker's link can be had, and what is said of the others."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from contracts.broker import BrokerSecurity
from contracts.broker.link import link_options, make_context
from contracts.broker.msk import MskTokens
from contracts.broker.tokens import CachedTokens, Token, TokenError
from tests.stack.certificates import Authority

SCRAM = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "u"}
OAUTH = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
CLIENT = {"oauth_client_id": "c", "oauth_client_secret": "s"}
URL = {"oauth_token_url": "https://login/token"}


def faults(fields: dict[str, str]) -> dict[str, str]:
    """Each faulty field and what is said of it."""
    with pytest.raises(ValidationError) as caught:
        BrokerSecurity.model_validate(fields)
    return {str(error["loc"][0]): error["msg"].removeprefix("Value error, ") for error in caught.value.errors()}


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"security_protocol": "TLS"}, "security_protocol", "'SASL_SSL'"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism", "needed, because security_protocol is SASL_SSL"),
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism", "security_protocol PLAINTEXT has no SASL"),
        ({"security_protocol": "SSL", "sasl_mechanism": "PLAIN"}, "sasl_mechanism", "SSL has no SASL"),
        ({"sasl_password": "x"}, "sasl_password", "there is no sasl_mechanism"),
        ({"sasl_username": "x"}, "sasl_username", "there is no sasl_mechanism"),
        (SCRAM, "sasl_password", "needed by sasl_mechanism SCRAM-SHA-512, or sasl_password_file"),
        (SCRAM | {"sasl_username": "", "sasl_password": "x"}, "sasl_username", "needed by sasl_mechanism"),
        (SCRAM | {"sasl_password_file": "/absent"}, "sasl_password_file", "cannot be read (No such file"),
        (SCRAM | {"sasl_password": "x"} | CLIENT, "oauth_client_id", "sasl_mechanism is SCRAM-SHA-512"),
        (OAUTH | CLIENT, "oauth_token_url", "needed by sasl_mechanism OAUTHBEARER"),
        (OAUTH | URL, "oauth_client_id", "needed by"),
        (OAUTH | URL | {"oauth_client_id": "c"}, "oauth_client_secret", "or oauth_client_secret_file"),
        (OAUTH | CLIENT | {"oauth_token_url": "login/token"}, "oauth_token_url", "no address of a token endpoint"),
        (OAUTH | CLIENT | {"oauth_token_url": "https://a:b@c"}, "oauth_token_url", "must not hold credentials"),
        (OAUTH | CLIENT | URL | {"oauth_extensions": "nonsense"}, "oauth_extensions", "match pattern"),
        (OAUTH | CLIENT | URL | {"sasl_password": "x"}, "sasl_password", "sasl_mechanism is OAUTHBEARER"),
        ({"ssl_cafile": "/absent"}, "ssl_cafile", "security_protocol is PLAINTEXT"),
        ({"ssl_check_hostname": "false"}, "ssl_check_hostname", "security_protocol is PLAINTEXT"),
        ({"security_protocol": "SSL", "ssl_cafile": "/absent"}, "ssl_cafile", "/absent cannot be read"),
        ({"security_protocol": "SSL", "ssl_cafile": __file__}, "ssl_cafile", "holds no certificate in PEM form"),
        ({"security_protocol": "SSL", "ssl_keyfile": "/absent"}, "ssl_keyfile", "a key without a certificate"),
    ],
)
def test_what_contradicts_itself_is_refused_by_the_field(fields: dict[str, str], field: str, says: str) -> None:
    assert says in faults(fields)[field]


def test_one_fault_is_told_once() -> None:
    assert faults({"security_protocol": "TLS", "sasl_mechanism": "PLAIN"}).keys() == {"security_protocol"}
    assert faults(SCRAM).keys() == {"sasl_password"}


def test_secrets_are_never_shown() -> None:
    security = BrokerSecurity.model_validate(SCRAM | {"sasl_password": "hunter2"})
    assert "hunter2" not in f"{security!r} {security} {security.model_dump()} {security.model_dump_json()}"
    with pytest.raises(ValidationError) as caught:
        BrokerSecurity.model_validate({"sasl_password": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_comes_from_its_file_and_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    security = BrokerSecurity.model_validate(SCRAM | {"sasl_password_file": str(file)})
    assert link_options(security)["sasl_plain_password"] == "first"
    file.write_text("second")
    assert link_options(security)["sasl_plain_password"] == "second"


@pytest.mark.parametrize(("content", "says"), [(b"", "is empty"), (b"\xff\xfe", "cannot be read")])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    assert says in faults(SCRAM | {"sasl_password_file": str(file)})["sasl_password_file"]
    both = faults(SCRAM | {"sasl_password_file": str(file), "sasl_password": "x"})
    assert both.keys() == {"sasl_password_file"}


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("x")
    found = faults(SCRAM | {"sasl_password_file": str(file), "sasl_password": "x"})
    assert found == {"sasl_password": "set twice; remove it, or sasl_password_file"}


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path, "authority")

    def test_the_brokers_certificate_is_always_verified(self, authority: Authority) -> None:
        fields = {"security_protocol": "SSL", "ssl_cafile": str(authority.file)}
        context = make_context(BrokerSecurity.model_validate(fields))
        assert (context.verify_mode.name, context.check_hostname) == ("CERT_REQUIRED", True)
        assert len(context.get_ca_certs()) == 1, "the named file stands alone"
        careless = make_context(BrokerSecurity.model_validate(fields | {"ssl_check_hostname": "false"}))
        assert (careless.verify_mode.name, careless.check_hostname) == ("CERT_REQUIRED", False)

    def test_a_locked_key_opens_with_its_password(self, authority: Authority, tmp_path: Path) -> None:
        mine = authority.issue("me", password="open")
        fields = {"security_protocol": "SSL", "ssl_certfile": str(mine.certificate), "ssl_keyfile": str(mine.key)}
        given = BrokerSecurity.model_validate(fields | {"ssl_key_password": "open"})
        (tmp_path / "password").write_text("open\n")
        filed = BrokerSecurity.model_validate(fields | {"ssl_key_password_file": str(tmp_path / "password")})
        assert given.key_password == filed.key_password == "open"
        assert "ssl_key_password: does not open" in faults(fields | {"ssl_key_password": "no"})["ssl_keyfile"]
        assert "ssl_key_password: needed" in faults(fields)["ssl_keyfile"]

    def test_a_certificate_needs_its_own_key(self, authority: Authority) -> None:
        mine, other = authority.issue("me"), authority.issue("other")
        fields = {"security_protocol": "SSL", "ssl_certfile": str(mine.certificate)}
        assert "key of another certificate" in faults(fields | {"ssl_keyfile": str(other.key)})["ssl_keyfile"]
        assert "cannot be read" in faults(fields | {"ssl_keyfile": "/absent"})["ssl_keyfile"]
        assert "no private key" in faults(fields)["ssl_keyfile"]
        assert "no private key" in faults(fields | {"ssl_keyfile": str(authority.file)})["ssl_keyfile"]
        swapped = {"security_protocol": "SSL", "ssl_certfile": str(mine.key), "ssl_keyfile": str(mine.certificate)}
        assert "ssl_certfile: " in faults(swapped)["ssl_keyfile"]


class _Counted(CachedTokens):
    """Tokens of a given life, numbered."""

    def __init__(self, life_s: float) -> None:
        super().__init__()
        self.life_s = life_s
        self.fetched = 0

    async def fetch(self) -> Token:
        self.fetched += 1
        return Token(str(self.fetched), self.life_s)


async def test_a_token_serves_while_it_lasts_and_is_fetched_once() -> None:
    lasting, spent = _Counted(60.0), _Counted(0.0)
    assert await asyncio.gather(*(lasting.token() for _ in range(5))) == ["1"] * 5
    assert [await spent.token(), await spent.token()] == ["1", "2"]


async def test_after_a_failure_nobody_asks_again_at_once() -> None:
    class Refused(_Counted):
        async def fetch(self) -> Token:
            await super().fetch()
            raise TokenError("no", is_refusal=True)

    tokens = Refused(60.0)
    for _ in range(5):
        with pytest.raises(TokenError, match="no"):
            await tokens.token()
    assert tokens.fetched == 1


class TestMskIam:
    SECURITY = BrokerSecurity.model_validate({"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"})

    @pytest.fixture(autouse=True)
    def _nobody(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))

    async def test_a_token_is_a_signed_request_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        options = link_options(self.SECURITY)
        assert options["sasl_mechanism"] == "OAUTHBEARER"
        token = await options["sasl_oauth_token_provider"].token()
        signed = urlsplit(base64.urlsafe_b64decode(token + "==").decode())
        query = parse_qs(signed.query)
        assert signed.hostname == "kafka.eu-west-1.amazonaws.com"
        assert query["Action"] == ["kafka-cluster:Connect"]
        assert query["X-Amz-Credential"][0].startswith("AKIAEXAMPLE/")
        assert await options["sasl_oauth_token_provider"].token() == token, "it lasts for minutes"

    async def test_what_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(TokenError, match="set AWS_REGION") as caught:
            await MskTokens().token()
        assert caught.value.is_refusal
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        with pytest.raises(TokenError, match="credentials") as caught:
            await MskTokens().token()
        assert caught.value.is_refusal
