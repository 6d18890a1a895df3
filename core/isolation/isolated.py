"""Fault isolation (a bulkhead): the one place where errors of components are caught, logged and counted.

Errors of any class: a plugin that raises SystemExit or CancelledError ends neither mozu nor the task that called it
(`ends.py` lists the exceptions that are no failures). While a call runs, `OWNER` is the component, and all that the
call starts (tasks, timers, callbacks of protocols) inherits that owner.
"""

import asyncio
import copy
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from types import TracebackType
from typing import Final, Generic, Self, TypeVar, cast

from mozu.core.errors import MozuError
from mozu.core.isolation.ends import is_being_cancelled, is_ours, withdraw
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.owner import OWNER
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics

START_SECONDS: Final = 120.0
"""Most seconds for `build`, `start`, `update` and `reload`, unless `start_deadline` is set."""
_LOG_DEDUP_SECONDS = 10.0
"""Seconds within which a repeated failure is counted and not logged."""
_FIRST_SUSPENSION, _LONGEST_SUSPENSION = 5.0, 300.0
"""Seconds of the first and of the longest suspension."""
_MAX_KEYS: Final = 64
"""Most failures of one component that are distinguished at a time."""
_BETWEEN: Final = ("mozu.core.", "asyncio.", "threading", "contextlib", "uvloop")
"""Modules whose functions may be between the core and a component's method in a traceback."""

C = TypeVar("C", covariant=True)
D = TypeVar("D")


class Isolation:
    """The name, the log and the counters under which a component's failures are caught.

    `origin`: the plugin and its distribution, for the log.
    """

    def __init__(self, kind: str, name: str, metrics: Metrics, *, origin: str = "") -> None:
        self.kind, self.name, self.origin = kind, name, origin
        self.log = logging.getLogger(f"mozu.{kind}.{name}")
        self.metrics = metrics.scope(kind=kind, id=name).guarded(self._contained_gauge)
        self.failures = self.metrics.counter("component_failures_total")
        self._logged: dict[str, _Logged] = {}
        """Logged failures by key, the oldest first."""
        self.awaited: set[str] = set()
        """Methods whose long duration was logged."""
        self.has_held = False
        """True if a call was interrupted because it held the event loop."""

    def is_same(self, other: "Isolation | None") -> bool:
        """Return True if both name the same component: its context and each of its instances have an Isolation of their
        own."""
        return other is not None and (self.kind, self.name) == (other.kind, other.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def contained(self, doing: str, *, passing: tuple[type[BaseException], ...] = ()) -> "ContainedCall":
        """Return a block for plugin code: errors are logged with the plugin's name, counted, and available as `failed`.

        Exceptions that mozu has caused pass through, and so do those in `passing`, which are ends and not failures.
        """
        return ContainedCall(self, doing, passing)

    def _contained_gauge(self, name: str, read: Callable[[], float]) -> Callable[[], float]:
        """Return the gauge's function, contained: 0 if the component cannot read it."""

        def number() -> float:
            value: object = 0.0
            with self.contained(f"read its gauge {name}"):
                value = read()
                if not isinstance(value, int | float):
                    raise TypeError(f"a gauge is a number, not {type(value).__name__}")
            return value if isinstance(value, int | float) else 0.0

        return number

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Run plugin code whose failures the caller handles."""
        token = OWNER.set(self)
        try:
            yield
        finally:
            OWNER.reset(token)

    def failed(self, doing: str, error: BaseException, *, dedup_by_type: bool = True) -> None:
        """Count and log an exception that was caught elsewhere. `dedup_by_type`: log one line in ten seconds for the
        same work and type of exception, whose text may come from an event and differ each time."""
        self.failures.value += 1
        text = f"{self} failed to {doing}: {self.described(error)}"
        self._log_failure(f"{doing} {type(error).__name__}" if dedup_by_type else text, text, error)

    def described(self, error: BaseException) -> str:
        """Return an exception's text, with its class unless it was written for users (errors of mozu or of the system),
        and if the origin is known with its method, plugin and distribution."""
        what, name = text_of(error), type(error).__name__
        if not isinstance(error, MozuError | OSError) and not what.startswith(name):
            what = f"{name}: {what}"
        notes = ", ".join(filter(None, (_method(error), self.origin))) if self.origin else ""
        return what if not notes or notes in what else f"{what} ({notes})"

    def suspend(self) -> None:
        """Note that a call was interrupted."""
        self.has_held = True

    def _log_failure(self, key: str, text: str, error: BaseException) -> None:
        now = time.monotonic()
        before = self._logged.get(key)
        if before is not None and now - before.at < _LOG_DEDUP_SECONDS:
            before.suppressed += 1
            return
        more = f" ({before.suppressed} more before this)" if before is not None and before.suppressed else ""
        self.log.error("%s%s", text, more)
        self.log.debug("traceback", exc_info=error)
        self._logged.pop(key, None)
        self._logged[key] = _Logged(now)
        if len(self._logged) > _MAX_KEYS:
            del self._logged[next(iter(self._logged))]


class Suspension:
    """Suspension of a component whose call was interrupted: the next call might hold the event loop again. The time
    doubles with each suspension."""

    def __init__(self) -> None:
        self._until, self._seconds = 0.0, _FIRST_SUSPENSION

    def begin(self) -> float:
        """Begin a suspension; return its seconds."""
        seconds, self._seconds = self._seconds, min(2 * self._seconds, _LONGEST_SUSPENSION)
        self._until = time.monotonic() + seconds
        return seconds

    @property
    def is_over(self) -> bool:
        """True if the component may be called."""
        return not self._until or time.monotonic() >= self._until

    def left(self) -> float:
        """Return the seconds until the component may be called."""
        return max(0.0, self._until - time.monotonic())


class _Logged:
    """A logged failure, and the number of its repetitions since."""

    def __init__(self, at: float) -> None:
        self.at, self.suppressed = at, 0


class ContainedCall:
    """A block in which a component's code runs. `failed` is the exception that it raised."""

    __slots__ = ("_doing", "_isolation", "_passing", "_token", "failed")

    def __init__(self, isolation: Isolation, doing: str, passing: tuple[type[BaseException], ...]) -> None:
        self._isolation, self._doing, self._passing = isolation, doing, passing
        self.failed: BaseException | None = None

    def __enter__(self) -> Self:
        self._token: Token[Isolation | None] = OWNER.set(self._isolation)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        OWNER.reset(self._token)
        if error is None:
            return False
        if is_ours(error) or (self._passing and isinstance(error, self._passing)):
            return False
        self.failed = error
        if isinstance(error, asyncio.CancelledError):
            withdraw()
        self._isolation.failed(self._doing, error, dedup_by_type=False)
        if isinstance(error, Interrupted):
            self._isolation.suspend()
        if is_being_cancelled():
            raise asyncio.CancelledError from error  # no component makes something else of mozu's cancellation
        return True


class Isolated(Isolation, Generic[C]):
    """A component that is called in `contained` blocks. `blocking`: it is called on a thread of its own.

    `build`: makes another instance, for a restart.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        component: C,
        metrics: Metrics,
        *,
        blocking: bool = False,
        origin: str = "",
        build: Callable[[], C | Awaitable[C]] | None = None,
    ) -> None:
        super().__init__(kind, name, metrics, origin=origin)
        self._component, self.blocking, self._build = component, blocking, build
        self._offered: dict[type, bool] = {}
        self.suspension = Suspension()
        self.module = type(component).__module__
        """Module of the component's class; replaced by the plugin's module if the core hosts the component."""
        self.start_seconds = START_SECONDS
        """Most seconds for each call at its start, and for each change while it runs."""
        self.is_optional = False
        """True if mozu runs without the component when it cannot be built or started."""
        self.is_ready = True
        """False after a failed start: then only another start is called."""
        self.is_retired = False
        """True if a reload has removed or replaced the component: its start is not retried."""

    @property
    def component(self) -> C:
        """The plugin's own object."""
        return self._component

    def offers(self, capability: type) -> bool:
        """Return True if the component has the capability. The check is cached: Python looks up each member of a
        protocol, which takes 15 µs or more."""
        found = self._offered.get(capability)
        if found is None:
            found = self._offered[capability] = isinstance(self._component, capability)
        return found

    def suspend(self) -> None:
        """Suspend an evaluator, an enricher or a sink for a while, after an interrupted call."""
        super().suspend()
        seconds = self.suspension.begin()
        if self.kind != "source":  # which is built anew
            self.log.error("%s has held the event loop and is left out for %.0f s", self, seconds)

    async def another(self) -> C:
        """Return a new instance. Raises the errors of building it."""
        if self._build is None:
            raise TypeError(f"{self} cannot be built again")
        made = self._build()
        return await made if isinstance(made, Awaitable) else made

    async def renew(self) -> None:
        """Replace the component by a new instance."""
        self._component = await self.another()
        self._offered = {}

    def release(self) -> None:
        """Drop the component, which has stopped for good. This object may live longer (uvloop's timers of the
        component's libraries reference it by their context, in cycles that are not collected), but not the component
        and its configuration."""
        self._build = None
        if hasattr(self, "_component"):
            del self._component

    def with_component(self, component: D) -> "Isolated[D]":
        """Return another component under the same name, log and counters (a reload)."""
        twin = cast("Isolated[D]", copy.copy(self))
        twin._component, twin.awaited, twin._offered = component, set(), {}
        return twin


def _method(error: BaseException | None) -> str:
    """Return the component's function: the first outside the core in the traceback of the exception or of its cause."""
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if not str(frame.f_globals.get("__name__", "")).startswith(_BETWEEN):
                return frame.f_code.co_qualname
            trace = trace.tb_next
        error = error.__cause__
    return ""
