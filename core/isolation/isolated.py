"""Fault isolation (a bulkhead): the one place where what a component raises is caught, logged and counted.

Whatever its class is: a plugin that raises SystemExit or CancelledError ends neither mozu nor the task that called it
(`ends.py` says what is not its failure). While a call runs `OWNER` names the component, and everything that the call
starts (tasks, timers, callbacks of protocols) inherits that name.
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
"""What `build`, `start`, `update` and `reload` may take, unless `start_deadline` says otherwise."""
_LOG_DEDUP_SECONDS = 10.0
"""The same failure again within this time is counted and not logged."""
_FIRST_SUSPENSION, _LONGEST_SUSPENSION = 5.0, 300.0
"""Seconds."""
_MAX_KEYS: Final = 64
"""Different failures of one component that are distinguished at a time."""
_BETWEEN: Final = ("mozu.core.", "asyncio.", "threading", "contextlib", "uvloop")
"""Modules whose functions stand between the core and a component's method."""

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
        """What failed → when that was logged; the oldest first."""
        self.awaited: set[str] = set()
        """Methods that have taken so long that this was logged."""
        self.has_held = False
        """A call was broken off because it held the event loop."""

    def is_same(self, other: "Isolation | None") -> bool:
        """Return if both name the same component: its context has one of its own, and each of its instances another."""
        return other is not None and (self.kind, self.name) == (other.kind, other.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def contained(self, doing: str, *, passing: tuple[type[BaseException], ...] = ()) -> "ContainedCall":
        """Run plugin code: what it raises is logged with the plugin's name, counted, and given as `failed`.

        What mozu has caused passes, and so does `passing`: an end and not a failure.
        """
        return ContainedCall(self, doing, passing)

    def _contained_gauge(self, name: str, read: Callable[[], float]) -> Callable[[], float]:
        """One that the component cannot read is 0."""

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
        """Run plugin code whose failure is the caller's affair."""
        token = OWNER.set(self)
        try:
            yield
        finally:
            OWNER.reset(token)

    def failed(self, doing: str, error: BaseException, *, dedup_by_type: bool = True) -> None:
        """Count and log an exception that was caught elsewhere. `dedup_by_type`: one log line in ten seconds for the
        same work and type of exception, whose text may come from an event and differ each time."""
        self.failures.value += 1
        text = f"{self} failed to {doing}: {self.described(error)}"
        self._log_failure(f"{doing} {type(error).__name__}" if dedup_by_type else text, text, error)

    def described(self, error: BaseException) -> str:
        """What an exception of the component says, with its class unless it was written for users (of mozu, or of the
        system), and where the origin is known its method, its plugin and the distribution."""
        what, name = text_of(error), type(error).__name__
        if not isinstance(error, MozuError | OSError) and not what.startswith(name):
            what = f"{name}: {what}"
        notes = ", ".join(filter(None, (_method(error), self.origin))) if self.origin else ""
        return what if not notes or notes in what else f"{what} ({notes})"

    def suspend(self) -> None:
        """A call was broken off."""
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
    """Leaves a component out for a while whose call was broken off: the next one might hold the event loop again. The
    time doubles with each that follows."""

    def __init__(self) -> None:
        self._until, self._seconds = 0.0, _FIRST_SUSPENSION

    def begin(self) -> float:
        """For how many seconds."""
        seconds, self._seconds = self._seconds, min(2 * self._seconds, _LONGEST_SUSPENSION)
        self._until = time.monotonic() + seconds
        return seconds

    @property
    def is_over(self) -> bool:
        """Whether the component is called again."""
        return not self._until or time.monotonic() >= self._until

    def left(self) -> float:
        """Seconds until it is."""
        return max(0.0, self._until - time.monotonic())


class _Logged:
    """One failure that was logged, and how often it came again since then."""

    def __init__(self, at: float) -> None:
        self.at, self.suppressed = at, 0


class ContainedCall:
    """A block in which a component's code runs. `failed`: what it raised."""

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
    """A component whose calls are made in `contained` blocks. `blocking`: they are made on a thread of its own.

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
        """Where its class is; the plugin's, where the component is hosted by the core."""
        self.start_seconds = START_SECONDS
        """What each call at its start may take, and each change while it runs."""
        self.is_optional = False
        """mozu runs without it where it cannot be built or started."""
        self.is_ready = True
        """False: its start has failed, and it is called for nothing but another one."""
        self.is_retired = False
        """A reload has removed it, or put another in its place: it is not tried again."""

    @property
    def component(self) -> C:
        """The plugin's own object."""
        return self._component

    def offers(self, capability: type) -> bool:
        """Whether the component has it. Python is asked once: it looks for each member of a protocol, 15 µs or more."""
        found = self._offered.get(capability)
        if found is None:
            found = self._offered[capability] = isinstance(self._component, capability)
        return found

    def suspend(self) -> None:
        """A call was broken off: an evaluator, an enricher or a sink gets no work for a while."""
        super().suspend()
        seconds = self.suspension.begin()
        if self.kind != "source":  # which is built anew
            self.log.error("%s has held the event loop and is left out for %.0f s", self, seconds)

    async def another(self) -> C:
        """A new instance. Raises what building it raises."""
        if self._build is None:
            raise TypeError(f"{self} cannot be built again")
        made = self._build()
        return await made if isinstance(made, Awaitable) else made

    async def renew(self) -> None:
        """Put a new instance in the place of the component."""
        self._component = await self.another()
        self._offered = {}

    def release(self) -> None:
        """It has stopped for good. What may outlive it keeps this object (uvloop's timers of its libraries do, by the
        context in which they were made, in cycles that are not collected), but not all that it was built from."""
        self._build = None
        if hasattr(self, "_component"):
            del self._component

    def with_component(self, component: D) -> "Isolated[D]":
        """Another component under the same name, log and counters (a reload)."""
        twin = cast("Isolated[D]", copy.copy(self))
        twin._component, twin.awaited, twin._offered = component, set(), {}
        return twin


def _method(error: BaseException | None) -> str:
    """The first function outside the core that the exception, or its cause, has come through: the component's."""
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if not str(frame.f_globals.get("__name__", "")).startswith(_BETWEEN):
                return frame.f_code.co_qualname
            trace = trace.tb_next
        error = error.__cause__
    return ""
