"""Files that secure a link: secrets, trusted CAs, the client's certificate; each fault names its field."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from pydantic import SecretStr

_SECRET_MAX_BYTES: Final = 64 * 1024


class UnusableFileError(OSError):
    """A file cannot be used; the message says why, and `field` which setting names it."""

    def __init__(self, field: str, text: str) -> None:
        """Pairs the field with what is wrong."""
        super().__init__(text)
        self.field = field
        self.text = text


def secret(field: str, given: SecretStr | None, file: Path | None) -> str:
    """The secret given, or what its file holds without the newline at the end; empty where there is neither.

    Raises:
        UnusableFileError: the file cannot be read, is empty or holds no text.
    """
    if file is None:
        return given.get_secret_value() if given else ""
    try:
        with file.open("rb") as opened:
            text = opened.read(_SECRET_MAX_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeError) as exc:
        raise UnusableFileError(f"{field}_file", f"{file} cannot be read ({_reason(exc)})") from exc
    if not text:
        raise UnusableFileError(f"{field}_file", f"{file} is empty; it should hold the secret and nothing else")
    return text


def trust(context: ssl.SSLContext, cafile: Path) -> None:
    """Has the context trust the CAs of the file.

    Raises:
        UnusableFileError: it cannot be read, or holds no certificate.
    """
    try:
        context.load_verify_locations(cafile)
    except (OSError, UnicodeError) as exc:
        raise UnusableFileError("ssl_cafile", f"{cafile} {_pem_fault(exc, 'certificate')}") from exc


def identify(context: ssl.SSLContext, certfile: Path, keyfile: Path | None, password: str) -> None:
    """Has the context show the client's certificate.

    Raises:
        UnusableFileError: a file cannot be read or is no PEM, the password is wrong, the key is another one's.
    """
    try:
        # A context of its own, which may keep what it reads: this one looks at the certificate alone.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certfile)
    except (OSError, UnicodeError) as exc:
        raise UnusableFileError("ssl_certfile", f"{certfile} {_pem_fault(exc, 'certificate')}") from exc
    asked = False

    def tell() -> str:
        nonlocal asked
        asked = True
        return password

    try:
        context.load_cert_chain(certfile, keyfile, tell)
    except (OSError, UnicodeError, ValueError) as exc:
        field, text = _key_fault(exc, keyfile or certfile, was_asked=asked, has_password=bool(password))
        raise UnusableFileError(field, text) from exc


def _key_fault(error: Exception, file: Path, *, was_asked: bool, has_password: bool) -> tuple[str, str]:
    if was_asked and not has_password:
        return "ssl_key_password", f"needed: the key in {file} is encrypted"
    if was_asked:
        return "ssl_key_password", f"does not open the key in {file}"
    if isinstance(error, ssl.SSLError) and error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        return "ssl_keyfile", f"{file} holds the key of another certificate than <ssl_certfile>"
    return "ssl_keyfile", f"{file} {_pem_fault(error, 'private key')}"


def _pem_fault(error: Exception, what: str) -> str:
    if isinstance(error, ssl.SSLError | UnicodeError):
        return f"holds no {what} in PEM form"
    return f"cannot be read ({_reason(error)})"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
