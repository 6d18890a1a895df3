"""The thread that works on a loader, one call after the other, so that no call meets descriptors that another has
closed.

A call that is abandoned at its deadline, or with the start or the reload that made it, runs to its end, and later calls
(the end of the source, the old rules again) wait until then.
"""

import contextlib
from collections.abc import Callable
from typing import Final, TypeVar

from mozu.core.api import SourceUnavailable
from mozu.core.common.thread_pool import WorkerThread
from mozu.plugins.sources.ebpf.loader import Loader

T = TypeVar("T")

_ENDED: Final = "source ebpf: the source was stopped before its programs were exchanged"


class LoaderThread:
    """Owner of one loader, from its creation to its end."""

    def __init__(self) -> None:
        self._thread = WorkerThread("mozu-ebpf")
        self._loader: Loader | None = None
        self._has_ended = False

    async def make(self, make: Callable[[], Loader]) -> Loader:
        """Return the loader. If the caller gives up before it is made, `end` closes it. Raises the errors of `make`."""

        def kept() -> Loader:
            self._loader = make()
            return self._loader

        return await self._thread.run(kept)

    async def run(self, call: Callable[[Loader], T]) -> T:
        """Return the result of the call. Raises the call's errors, and SourceUnavailable after `end`."""
        if self._has_ended:
            raise SourceUnavailable(_ENDED)
        return await self._thread.run(lambda: call(self._present()))

    def post(self, call: Callable[[Loader], object]) -> None:
        """Queue the call behind earlier ones, for a caller that cannot wait."""

        def made() -> None:
            with contextlib.suppress(SourceUnavailable):
                call(self._present())

        if not self._has_ended:
            self._thread.submit(made)

    async def end(self) -> None:
        """Close the loader after the calls before, and end the thread; both happen even if the caller gives up."""
        if not self._has_ended:
            self._has_ended = True
            closed = self._thread.submit(self._close)
            self._thread.close()
            await closed

    def _present(self) -> Loader:
        if self._loader is None:
            raise SourceUnavailable(_ENDED)
        return self._loader

    def _close(self) -> None:
        loader, self._loader = self._loader, None
        if loader is not None:
            loader.close()
