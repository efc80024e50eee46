"""A Kafka broker with a listener for each way to secure a link, and for some ways to get it wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from contracts.broker import BrokerSecurity
from tests.stack.broker import KafkaSetup, running_kafka
from tests.stack.certificates import Authority, Identity
from tests.stack.service import free_ports

USER: Final = "worker"
PASSWORD: Final = "correct horse"
LIMITED: Final = "limited"
"""A user who may do what `allow` says and nothing else."""

_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_OAUTH: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
_LISTENERS: Final = {
    "plaintext": "PLAINTEXT",
    "tls": "SSL",
    "mtls": "SSL",
    "expired": "SSL",
    "elsewhere": "SSL",
    "sasl": "SASL_PLAINTEXT",
    "sasltls": "SASL_SSL",
}
_PROPERTIES: Final = f"""
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{USER};User:CN={USER}
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config={_PLAIN} user_{USER}="{PASSWORD}" user_{LIMITED}="{PASSWORD}";
listener.name.sasl.scram-sha-256.sasl.jaas.config={_SCRAM}
listener.name.sasltls.sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.sasltls.scram-sha-512.sasl.jaas.config={_SCRAM}
listener.name.sasltls.oauthbearer.sasl.jaas.config={_OAUTH} unsecuredLoginStringClaim_sub="broker";
listener.name.sasltls.oauthbearer.connections.max.reauth.ms=3000
listener.name.mtls.ssl.client.auth=required
"""
_TOPIC: Final = 2
_GROUP: Final = 3
_LITERAL: Final = 3
_ALLOW: Final = 3
RIGHTS: Final = {"read": 3, "write": 4, "create": 5, "describe": 8}
_RESOURCES: Final = {"topic": _TOPIC, "group": _GROUP}


@dataclass(frozen=True)
class Secured:
    """Where each listener is, and what opens it."""

    ports: Mapping[str, int]
    authority: Authority
    stranger: Authority
    """Whom nobody trusts."""
    identity: Identity
    """The client's certificate."""

    def address(self, listener: str) -> str:
        """host:port of a listener, see `_LISTENERS`; the certificates are for localhost."""
        return f"localhost:{self.ports[listener]}"

    @property
    def scram(self) -> BrokerSecurity:
        """What opens `sasltls`."""
        return BrokerSecurity.model_validate(self.scram_fields)

    @property
    def scram_fields(self) -> dict[str, str]:
        """The same as plain values."""
        return {
            "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": USER,
            "sasl_password": PASSWORD, "ssl_cafile": str(self.authority.file),
        }  # fmt: skip

    async def allow(self, right: str, kind: str, name: str) -> None:
        """Lets the limited user do something: `RIGHTS` on a `topic` or `group`."""
        request = CreateAclsRequest(_RESOURCES[kind], name, _LITERAL, f"User:{LIMITED}", "*", RIGHTS[right], _ALLOW)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address("plaintext"))
        await admin.start()
        try:
            response = await admin._send_request(request)
        finally:
            await admin.close()
        assert [code for code, _ in response.creation_responses] == [0], response


@contextmanager
def secured_kafka(folder: Path) -> Iterator[Secured]:
    """The broker, with its certificates in the folder."""
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    ports = dict(zip(_LISTENERS, free_ports(len(_LISTENERS)), strict=True))
    properties = _PROPERTIES + "listener.name.mtls.ssl.truststore.type=PEM\n"
    properties += f"listener.name.mtls.ssl.truststore.location={authority.file}\n"
    here = authority.issue("broker", hosts=("localhost", "127.0.0.1"))
    shown = {
        "tls": here, "mtls": here, "sasltls": here,
        "expired": authority.issue("broker", hosts=("localhost",), expired=True),
        "elsewhere": authority.issue("other", hosts=("other.example",)),
    }  # fmt: skip
    for listener, identity in shown.items():
        properties += f"listener.name.{listener}.ssl.keystore.type=PEM\n"
        properties += f"listener.name.{listener}.ssl.keystore.location={identity.both}\n"
    users = tuple(f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512))
    listeners = {name: (_LISTENERS[name], port) for name, port in ports.items()}
    with running_kafka(KafkaSetup(listeners, properties, users)):
        yield Secured(ports, authority, stranger, authority.issue(USER))
