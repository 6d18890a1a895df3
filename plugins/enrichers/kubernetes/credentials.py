"""Credentials of mozu's requests, read before each, off the event loop; TLS is set up again when they change."""

import os
import ssl
from typing import Final

from mozu.core.common.thread_pool import ThreadPool
from mozu.plugins.enrichers.kubernetes.access import Access, NoAccess, of_service_account, tls_context
from mozu.plugins.enrichers.kubernetes.kubeconfig import of_kubeconfig
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings

_SECONDS: Final = 5.0
"""Most seconds for reading the files."""


class Credentials:
    """Credentials for one server."""

    def __init__(self, settings: KubernetesSettings, threads: ThreadPool) -> None:
        self._settings, self._threads = settings, threads
        self._made_of: Access | None = None
        self._tls: ssl.SSLContext | None = None

    async def current(self) -> tuple[Access, ssl.SSLContext | None]:
        """Return the present content of the files, and its TLS context (None for plain http). Raises NoAccess."""
        try:
            return await self._threads.run(self._read, _SECONDS)
        except (TimeoutError, BlockingIOError):
            raise NoAccess("the files with the credentials cannot be read: no answer in time") from None

    def problem(self) -> str:
        """Return why the files do not say how the API server is reached, with the remedy; empty if they do. Blocks."""
        try:
            self._read()
        except NoAccess as error:
            return str(error)
        return ""

    def _read(self) -> tuple[Access, ssl.SSLContext | None]:
        """Read the files, on the thread."""
        settings = self._settings
        if settings.kubeconfig is not None:
            access = of_kubeconfig(settings.kubeconfig, settings.context)
        else:
            access = of_service_account(settings.service_account, settings.server, os.environ)
        if self._made_of is None or _of_tls(access) != _of_tls(self._made_of):
            self._tls = tls_context(access)
        self._made_of = access
        return access, self._tls


def _of_tls(access: Access) -> tuple[str, bytes, bytes, bytes]:
    """Return the parts that a TLS context depends on. Another server gets another context: TLS sessions are not
    shared."""
    return access.server, access.authorities, access.certificate, access.key
