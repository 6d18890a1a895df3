"""Replication of the objects of one kind: lists them, then watches changes from the list's resource version on.

The protocol is the API's own ("Efficient detection of changes"): a watch that ends is opened again at the version of
the last change or bookmark; after a version that the server has forgotten (410 Gone) comes a new list.
"""

import asyncio
import random
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from mozu.core.api import Context
from mozu.core.common.backoff import Backoff
from mozu.plugins.enrichers.kubernetes.access import NoAccess
from mozu.plugins.enrichers.kubernetes.answers import RequestRefused, ServerUnreachable, VersionExpired
from mozu.plugins.enrichers.kubernetes.api import KubernetesApi
from mozu.plugins.enrichers.kubernetes.objects import ClusterObject, D, Status, WatchLine, kept
from mozu.plugins.enrichers.kubernetes.resources import Resource
from mozu.plugins.enrichers.kubernetes.server_log import ServerLog

T = TypeVar("T")

_PAUSES: Final = (0.2, 10.0)
"""First and longest seconds between two requests after a failure; half of it is jitter."""
_WATCH_SECONDS: Final = (240, 480)
"""Least and most seconds of a watch, so that the watches of a fleet end at different times."""


class ObjectListener(Protocol):
    """Store of the objects of one kind."""

    async def refresh(self) -> str:
        """Fetch the present objects; return the resource version from which to watch changes."""

    def changed(self, found: ClusterObject) -> None:
        """Store a new or changed object."""

    def deleted(self, found: ClusterObject) -> None:
        """Handle the deletion of an object."""

    def refused(self) -> None:
        """Note that the server does not let mozu read this kind for now."""


class Reflector(Generic[D]):
    """Reflector of one kind, working while `run` runs."""

    def __init__(
        self,
        api: KubernetesApi,
        resource: Resource,
        document: type[D],
        listener: ObjectListener,
        log: ServerLog,
        context: Context,
        selector: str = "",
    ) -> None:
        self._api, self._resource, self._document, self._listener = api, resource, document, listener
        self._log, self._selector = log, selector
        self._lists = context.metrics.counter("kubernetes_lists_total", resource=resource.plural)
        self._watches = context.metrics.counter("kubernetes_watches_total", resource=resource.plural)
        self._backoff = Backoff(*_PAUSES, jitter=0.5)
        self._version = ""
        """Version at which the next watch begins; empty if a list is due."""

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    self._lists.value += 1
                    self._version = await self._listener.refresh()
                    self._log.answered(self._resource)
                await self._watch()
            except VersionExpired:
                self._version = ""
            except RequestRefused as error:
                if self._log.failed(self._resource, error) and error.is_final:
                    self._listener.refused()
            except (ServerUnreachable, NoAccess) as error:
                self._log.failed(self._resource, error)
            await asyncio.sleep(self._backoff.failed())

    async def _watch(self) -> None:
        seconds = random.randint(*_WATCH_SECONDS)
        self._watches.value += 1
        async with self._api.watch(self._resource, self._version, self._selector, seconds) as lines:
            self._log.answered(self._resource)
            async for line in lines:
                self._take(line)
                self._backoff.succeeded()

    def _take(self, line: bytes) -> None:
        """Process one line of a watch. Raises ServerUnreachable, RequestRefused, VersionExpired."""
        change = _decoded(line, WatchLine)
        if change.type == "ERROR":
            status = _decoded(change.object, Status)
            kind = VersionExpired if status.code == VersionExpired.CODE else RequestRefused
            raise kind(status.code, status.message)
        document = _decoded(change.object, self._document)
        if change.type == "DELETED":
            self._listener.deleted(kept(document))
        elif change.type in ("ADDED", "MODIFIED"):
            self._listener.changed(kept(document))
        self._version = document.metadata.resource_version or self._version


def _decoded(text: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ServerUnreachable(f"a line of its watch is none of the Kubernetes API: {error}") from error
