"""Certificates of a small authority of our own, as PEM files."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, each in a file of its own and both in a third."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs what it is asked to; its own certificate lies in `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Writes its certificate into the folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        extension = x509.BasicConstraints(ca=True, path_length=None)
        unsigned = _builder(self._name, self._name, self._key.public_key(), age=_DAY, life=_DAY)
        certificate = unsigned.add_extension(extension, critical=True).sign(self._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, hosts: tuple[str, ...] = (), expired: bool = False, password: str = "") -> Identity:
        """A certificate for a name and, as a server's, for hosts; the key encrypted where there is a password."""
        key = ec.generate_private_key(ec.SECP256R1())
        life = -timedelta(hours=1) if expired else _DAY
        builder = _builder(_named(name), self._name, key.public_key(), age=_DAY, life=life)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([*map(_host, hosts)]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        cipher = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)
        stem = f"{self.file.stem}-{name}{'-expired' * expired}{'-locked' * bool(password)}"
        found = Identity(*(self._folder / f"{stem}{end}" for end in (".crt", ".key", ".pem")))
        found.certificate.write_bytes(certificate)
        found.key.write_bytes(private)
        found.both.write_bytes(private + certificate)
        return found


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, age: timedelta, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - age)
        .not_valid_after(now + life)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
