"""TLS settings and contexts, of clients and of servers: certificates, keys, the oldest accepted version."""

import re
import ssl
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from mozu.core.api import Settings
from mozu.core.api.secret import Secret

_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""Pattern of names of certificates in a directory (SSL_CTX_load_verify_locations(3))."""
_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class ClientTls(Settings):
    """Settings that protect a connection to a server."""

    ca: Path | None = Field(
        None, description="Certificates (PEM) of the authorities that the server's must be signed by: a file, or a "
        "directory as `openssl rehash` makes it; by default the system's.",
    )  # fmt: skip
    system_ca: bool = Field(False, description="Beside `ca`, the system's authorities are trusted, too.")
    certificate: Path | None = Field(None, description="mozu's own certificate (PEM, with its chain).")
    key: Path | None = Field(None, description="Its key (PEM), if it is not in the same file.")
    key_password: Secret | None = Field(None, description="What the key is encrypted with.")
    min_version: Literal["1.2", "1.3"] = Field("1.2", description="The oldest version of TLS that is accepted.")

    def files_read(self) -> tuple[Path, ...]:
        """Return the certificates and the key."""
        return tuple(file for file in (self.ca, self.certificate, self.key) if file is not None)

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> "ClientTls":
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs its certificate")
        return self


class ServerTls(Settings):
    """Settings of a server's TLS. Set both `certificate` and `key` to speak https."""

    certificate: Path | None = Field(None, description="The server's certificate (PEM, with its chain).")
    key: Path | None = Field(None, description="Its key (PEM).")
    client_ca: Path | None = Field(
        None, description="Only clients with a certificate by one of these (PEM) may connect: Falco's `mtls`."
    )

    def files_read(self) -> tuple[Path, ...]:
        """Return the certificates and the key."""
        return tuple(file for file in (self.certificate, self.key, self.client_ca) if file is not None)

    @model_validator(mode="after")
    def _complete(self) -> "ServerTls":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key need each other")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca needs certificate and key")
        return self


def client_context(settings: ClientTls, *, verify: bool = True) -> ssl.SSLContext:
    """Return a context that verifies the server's certificate and name, or neither if `verify` is false. Reads the
    files; a ValueError names the setting."""
    try:
        context = _trusting(settings.ca, system=settings.system_ca)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"tls.ca: {settings.ca} cannot be used: {_reason(error)}") from None
    context.minimum_version = _VERSIONS[settings.min_version]
    if not verify:
        context.check_hostname = False  # first: ssl allows no names without certificates
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate is not None:
        try:
            context.load_cert_chain(settings.certificate, settings.key, _password(settings.key_password))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"tls.certificate: {settings.certificate} cannot be used: {_reason(error)}") from None
    return context


def _trusting(authorities: Path | None, *, system: bool) -> ssl.SSLContext:
    """Return a context that trusts these authorities; `system`: the system's too. Raises OSError (ssl.SSLError is one)
    and ValueError."""
    if authorities is None:
        return ssl.create_default_context()
    file, folder = (None, authorities) if authorities.is_dir() else (authorities, None)
    if folder is not None and not any(_HASHED.fullmatch(path.name) for path in folder.iterdir()):
        problem = "has no certificates by the hash of their names; run `openssl rehash` there"
        raise ValueError(f"tls.ca: {folder} {problem}")
    context = ssl.create_default_context(cafile=file, capath=folder)
    if system:
        context.load_default_certs()
    return context


def server_context(settings: ServerTls) -> ssl.SSLContext | None:
    """Return a server's context; None if no certificate is set and connections are plain. Raises OSError (ssl.SSLError
    is one)."""
    if settings.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key, "")
    if settings.client_ca is not None:
        context.load_verify_locations(settings.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _password(secret: Secret | None) -> str:
    """Return the password, never None: OpenSSL would ask for one on the terminal."""
    return "" if secret is None else secret.get_secret_value()


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
