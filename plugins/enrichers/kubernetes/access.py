"""Access to the API server: its address, the authorities to trust, and mozu's credentials.

Read before each request, because tokens, certificates and authorities are replaced while mozu runs (the kubelet renews
a service account's token within an hour). All functions here block.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

_LIMIT: Final = 1 << 20
"""Most bytes of a file."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NoAccess(Exception):
    """The access to the API server is unknown; the message is one sentence, with a remedy."""


class Access(msgspec.Struct, frozen=True):
    """Data for a connection. Contains secrets, not to be logged."""

    server: str
    """`https://HOST:PORT`, without a slash at the end."""
    authorities: bytes = b""
    """Certificates (PEM) of trusted authorities; empty for the system's."""
    certificate: bytes = b""
    """mozu's own certificate with its chain (PEM), or empty."""
    key: bytes = b""
    token: str = ""
    server_name: str = ""
    """Name in the server's certificate; empty for the host of its address."""


def checked(access: Access) -> Access:
    """Return the access. Raises NoAccess for an invalid address, or one that would expose a token to the network."""
    try:
        parts = urlsplit(access.server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise NoAccess(f"{access.server!r} is no address of an API server: write https://HOST:PORT")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise NoAccess(f"{access.server} is not encrypted: write https://, or use an address of the loopback interface")
    return access


def of_service_account(folder: Path, server: str, environment: Mapping[str, str]) -> Access:
    """Return the access of a pod's service account. Raises NoAccess if there is none."""
    token, authority = folder / "token", folder / "ca.crt"
    if not token.exists():
        raise NoAccess(
            f"no service account in {folder}: run mozu in a pod that has one, or name a file as `kubeconfig`"
        )
    if not server:
        host, port = (environment.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
        if not host:
            raise NoAccess("$KUBERNETES_SERVICE_HOST is not set: name the API server's address as `server`")
        server = f"https://{f'[{host}]' if ':' in host else host}:{port or 443}"
    authorities = read_file(authority) if authority.exists() else b""
    return checked(Access(server.rstrip("/"), authorities, token=text_of(read_file(token))))


def read_file(path: Path) -> bytes:
    """Return the file's content. Raises NoAccess."""
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        raise NoAccess(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LIMIT:
        raise NoAccess(f"{path} is larger than 1 MiB")
    return content


def text_of(token: bytes) -> str:
    """Return a token as text for a header. Raises NoAccess."""
    text = token.decode("latin-1").strip()
    if not text.isascii() or not text.isprintable():
        raise NoAccess("a token has characters that no header may have")
    return text


def tls_context(access: Access) -> ssl.SSLContext | None:
    """Return a context that verifies the server's certificate and name; None for plain http. Raises NoAccess."""
    if access.server.startswith("http:"):
        return None
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if access.authorities:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(cadata=access.authorities.decode("latin-1"))
    except (ssl.SSLError, ValueError) as error:
        raise NoAccess(f"the authority's certificate cannot be used: {_reason(error)}") from None
    if access.certificate:
        try:
            with _as_file(access.certificate) as certificate, _as_file(access.key) as key:
                context.load_cert_chain(certificate, key, "")
        except (OSError, ValueError) as error:
            raise NoAccess(f"the client certificate cannot be used: {_reason(error)}") from None
    return context


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Yield the path of a file in memory, since OpenSSL reads a client's certificate and key only from files."""
    descriptor = os.memfd_create("kubernetes", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
