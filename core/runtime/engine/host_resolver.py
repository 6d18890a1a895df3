"""Host name resolution for rules: looks up, and refreshes, the addresses of the names that rules compare with.

A look-up blocks and cannot be cancelled, so each has a daemon thread of its own: one that hangs delays neither the loop
nor the end of the process. The event loop's own look-ups would: uvloop does not close before they have ended, nor does
asyncio's executor.
"""

import asyncio
import logging
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from mozu.core.common.thread_pool import WorkerThread
from mozu.core.metrics import Metrics
from mozu.core.model.event import Address
from mozu.core.model.fields.addresses import plain
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config.resolve import ResolveSettings

_log = logging.getLogger("mozu.hosts")

_GATHER: Final = 0.05
"""Seconds in which answers are batched before a new table is published."""
_NOTHING: Final = (bytes(4), bytes(16))
"""0.0.0.0 and ::, by which filtering resolvers say that there is nothing."""


class _Host:
    """The state of one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: frozenset[Address] = frozenset()
        """The last successful answer."""
        self.problem = ""
        """Reason why the last look-up failed; empty if it succeeded."""
        self.answered = asyncio.Event()
        """Set with the first outcome, good or bad."""
        self.in_progress = False
        """True while a look-up is under way."""


class HostResolver:
    """The keeper of `names.hosts`, current while `run` runs. The table is replaced as a whole, and never changed."""

    def __init__(self, names: Lookups, settings: ResolveSettings, metrics: Metrics) -> None:
        self._names, self._settings = names, settings
        self._hosts: dict[str, _Host] = {}
        self._slots = asyncio.Semaphore(settings.at_once)
        self._new = asyncio.Event()
        self._wanted_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._looked_up = metrics.counter("host_lookups_total")
        self._failed = metrics.counter("host_lookups_failed_total")
        metrics.gauge("hosts_wanted", lambda: len(self._hosts))
        metrics.gauge("hosts_resolved", lambda: sum(bool(host.addresses) for host in self._hosts.values()))

    def configure(self, settings: ResolveSettings) -> None:
        """Use these settings from the next look-up on (a reload)."""
        if settings.at_once != self._settings.at_once:
            self._slots = asyncio.Semaphore(settings.at_once)
        self._settings = settings
        self._new.set()

    def want(self, names: Collection[str]) -> None:
        """Replace the names; new ones are looked up at once."""
        names = names if self._settings.enabled else ()
        new = [name for name in sorted(names) if name not in self._hosts]
        self._hosts = {name: self._hosts.get(name) or _Host(name) for name in sorted(names)}
        self._publish_soon()
        if new:
            self._wanted_at = asyncio.get_running_loop().time()
            self._new.set()

    async def ready(self) -> None:
        """Wait until every name has an answer, for at most `wait` seconds after the names were wanted.

        A moment is always left for answers that came while other code held the loop.
        """
        moment = asyncio.get_running_loop().time() + _GATHER
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(moment, self._wanted_at + self._settings.wait)):
                for host in list(self._hosts.values()):
                    await host.answered.wait()
        self._publish()
        if self._hosts:
            resolved = sum(bool(host.addresses) for host in self._hosts.values())
            _log.info("host names in rules: %d of %d resolved", resolved, len(self._hosts))

    async def run(self) -> None:
        """Look up every name when it is new, and again after each `refresh`, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._new.clear()
                    for host in self._hosts.values():
                        if not host.in_progress:
                            host.in_progress = True
                            group.create_task(self._resolve(host, group), name=f"resolve {host.name}")
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.refresh):
                            await self._new.wait()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _resolve(self, host: _Host, group: asyncio.TaskGroup) -> None:
        """Look up one name. The look-up keeps its slot as long as its thread hangs; a late answer counts."""
        try:
            async with self._slots:
                worker = WorkerThread("mozu-resolve")
                try:
                    answer = group.create_task(worker.run(lambda: look_up(host.name)))
                    await asyncio.wait([answer], timeout=self._settings.timeout)
                    late = not answer.done()
                    self._looked_up.value += 1
                    if late:
                        self._fail(host, f"there was no answer within {self._settings.timeout:g} s")
                    self._accept(host, await answer, late=late)
                finally:
                    worker.close()
        except RuntimeError as error:  # the machine has no thread left
            self._fail(host, str(error))
        finally:
            host.in_progress = False

    def _accept(self, host: _Host, answer: frozenset[Address] | str, *, late: bool) -> None:
        if isinstance(answer, str):
            if not late:
                self._fail(host, answer)
            return
        if host.problem:
            _log.info("the host name %s resolves again", host.name)
        host.problem = ""
        if answer != host.addresses:
            _log.debug("the name %s has the addresses %s", host.name, ", ".join(sorted(map(_text, answer))))
            host.addresses = answer
            self._publish_soon()
        host.answered.set()

    def _fail(self, host: _Host, problem: str) -> None:
        """Record a failure, keeping the last successful answer."""
        self._failed.value += 1
        if problem != host.problem:
            host.problem = problem
            stays = f"; its {len(host.addresses)} addresses from before stay" if host.addresses else ""
            _log.warning("the host name %s in rules cannot be resolved: %s%s", host.name, problem, stays)
        host.answered.set()

    def _publish_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHER, self._publish)

    def _publish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        table: dict[Address, tuple[str, ...]] = {}
        for host in self._hosts.values():
            for address in host.addresses:
                table[address] = (*table.get(address, ()), host.name)
        self._names.hosts = table


def look_up(name: str) -> frozenset[Address] | str:
    """Return every address of a name, or why there is none. Blocks for as long as the system's resolver does."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return str(error.strerror)
    except (OSError, ValueError) as error:  # a text that can be no name: too long a label, half a surrogate pair
        return str(error)
    packed = (socket.inet_pton(family, str(end[0]).partition("%")[0]) for family, _, _, _, end in found)
    addresses = frozenset(map(plain, packed)).difference(_NOTHING)
    return addresses or "the answer names no address"


def _text(address: Address) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
