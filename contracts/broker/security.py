"""What secures the link to the broker: TLS, SASL, both or nothing. What contradicts itself cannot be built."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from contracts.broker import files, rules

T = TypeVar("T")


class SecurityProtocol(StrEnum):
    """What a listener of the broker speaks."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def has_tls(self) -> bool:
        """Whether the link is encrypted."""
        return self in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}

    @property
    def has_sasl(self) -> bool:
        """Whether we say who we are by SASL."""
        return self in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}


class SaslMechanism(StrEnum):
    """How we say who we are."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    AWS_MSK_IAM = "AWS_MSK_IAM"

    @property
    def takes_password(self) -> bool:
        """Whether it is about a user and a password."""
        return self not in {SaslMechanism.OAUTHBEARER, SaslMechanism.AWS_MSK_IAM}


class BrokerSecurity(BaseModel):
    """Frozen; fields are named as the settings `STENO_KAFKA__*` of the service.

    Each secret may stand in a file instead, which is read anew for every client that is built: one that was rotated
    is in force at the next connection. The files must be there when this is built.

    Raises:
        ValidationError: the values contradict one another, or a file is not what it should be.
    """

    # Each rule looks at one field and those above it, the defaults included.
    model_config = ConfigDict(frozen=True, validate_default=True, hide_input_in_errors=True)

    security_protocol: SecurityProtocol = Field(
        SecurityProtocol.PLAINTEXT, description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`"
    )
    sasl_mechanism: SaslMechanism | None = Field(
        None, description="`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or `AWS_MSK_IAM`"
    )
    sasl_username: str = Field("", description="user of PLAIN and SCRAM")
    sasl_password_file: Path | None = Field(None, description="file that holds the password and nothing else")
    sasl_password: SecretStr | None = Field(None, description="the password itself, where there is no file")
    oauth_token_url: str = Field("", description="OAUTHBEARER: token endpoint (client credentials grant)")
    oauth_client_id: str = Field("", description="OAUTHBEARER: the client's id")
    oauth_client_secret_file: Path | None = Field(None, description="OAUTHBEARER: file with the client's secret")
    oauth_client_secret: SecretStr | None = Field(None, description="OAUTHBEARER: the secret itself")
    oauth_scope: str = Field("", description="OAUTHBEARER: scope to ask for, several with spaces")
    oauth_extensions: str = Field(
        "", pattern=r"^([A-Za-z]+=[^,=]+(,[A-Za-z]+=[^,=]+)*)?$",
        description="OAUTHBEARER: SASL extensions, `logicalCluster=lkc-1,identityPoolId=pool-1`",
    )  # fmt: skip
    ssl_cafile: Path | None = Field(None, description="PEM file of the CAs to trust; unset: the system's")
    ssl_key_password_file: Path | None = Field(None, description="file with the password of the client's key")
    ssl_key_password: SecretStr | None = Field(None, description="the password of the client's key itself")
    ssl_certfile: Path | None = Field(None, description="PEM file of the client's certificate and its chain")
    ssl_keyfile: Path | None = Field(None, description="PEM file of the client's key; unset: in the certificate's file")
    ssl_check_hostname: bool = Field(
        True, description="`false` lets a broker use the certificate of any host of a trusted CA"
    )

    @field_validator("*")
    @classmethod
    def _check(cls, value: T, info: ValidationInfo) -> T:
        if fault := rules.fault_of(info.field_name or "", value, info.data):
            raise ValueError(re.sub("<([a-z_]+)>", lambda found: cls.name_of(found[1]), fault))
        return value

    @classmethod
    def name_of(cls, field: str) -> str:
        """What the user calls a field, or `bootstrap_servers`, in messages."""
        return field

    @property
    def password(self) -> str:
        """The SASL password of now.

        Raises:
            UnusableFileError: its file cannot be read.
        """
        return files.secret("sasl_password", self.sasl_password, self.sasl_password_file)

    @property
    def client_secret(self) -> str:
        """The OAuth client's secret of now.

        Raises:
            UnusableFileError: its file cannot be read.
        """
        return files.secret("oauth_client_secret", self.oauth_client_secret, self.oauth_client_secret_file)

    @property
    def key_password(self) -> str:
        """The password of the client's key of now; empty where none is needed.

        Raises:
            UnusableFileError: its file cannot be read.
        """
        return files.secret("ssl_key_password", self.ssl_key_password, self.ssl_key_password_file)


OPEN: Final = BrokerSecurity()
"""Neither TLS nor SASL."""
