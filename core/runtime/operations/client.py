"""Client of a run's HTTP listener, for `mozu status` and `mozu top`."""

import http.client
import socket
import ssl
from typing import Final

import msgspec

from mozu.core.common.http.listen_address import ListenAddress
from mozu.core.errors import MozuError
from mozu.core.runtime.config.http import HttpSettings
from mozu.core.runtime.operations.status_document import RunStatus

_TIMEOUT: Final = 10.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Wildcard address of a listener → an address at which it answers."""


class RunNotFound(MozuError):
    """The failure to reach a run; the text says why, and what to do."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


def ask(settings: HttpSettings, page: str = "/status") -> bytes:
    """Return the body of a page. Raises RunNotFound."""
    address = settings.address()
    if address is None:
        raise RunNotFound(
            "this configuration has no listener to ask: set `http: {listen: unix:/run/mozu/http.sock}`, reload "
            "mozu, and ask again with the same configuration"
        )
    connection = _connection(settings, address)
    headers = {} if settings.token is None else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    try:
        connection.request("GET", page, headers=headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise RunNotFound(
            f"no run answers at {settings.listen}: {error or type(error).__name__}; is mozu running, with this "
            "configuration, and may this user ask it?"
        ) from None
    finally:
        connection.close()
    if response.status != 200:
        text = body.decode("utf-8", "replace").strip()[:200]
        raise RunNotFound(f"{settings.listen} answers {response.status}: {text}")
    return body


def parsed(body: bytes) -> RunStatus:
    """Return a body as the status of a run. Raises RunNotFound."""
    try:
        return msgspec.json.decode(body, type=RunStatus)
    except msgspec.DecodeError as error:
        raise RunNotFound(f"what answers there is no mozu of this version: {error}") from None


def _connection(settings: HttpSettings, address: ListenAddress) -> http.client.HTTPConnection:
    if address.path:
        return _UnixConnection(address.path)
    host = _ANY.get(address.host, address.host)
    if settings.tls.certificate is None:
        return http.client.HTTPConnection(host, address.port, timeout=_TIMEOUT)
    return http.client.HTTPSConnection(host, address.port, timeout=_TIMEOUT, context=_context(settings))


def _context(settings: HttpSettings) -> ssl.SSLContext:
    """Return a TLS context that trusts exactly the certificate that the configuration names, whatever names it
    contains."""
    context = ssl.create_default_context(cafile=settings.tls.certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if settings.tls.client_ca is not None and settings.tls.certificate is not None:
        context.load_cert_chain(settings.tls.certificate, settings.tls.key, "")
    return context
