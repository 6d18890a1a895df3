"""Look-ups of one enricher: which keys it is asked for, when, and how many at once (`LookupLimits`).

A key is asked for once at a time, however many sources and events want it. An answer that there is no value, and a call
that raised, count for `negative_ttl`: meanwhile events with that key do not wait. After `ttl` a known key is asked for
again while its old value serves. All tables are bounded by `cache`; the least recently used entry is dropped first.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final, cast

from mozu.core.api import Enricher, LookupLimits, SaysUnanswered
from mozu.core.api.lookup_table import AnyLookupTable
from mozu.core.isolation.deadline import within
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.owner import OWNER
from mozu.core.model.event import Event

Spawn = Callable[[Awaitable[None], str], None]
"""Function that starts a task that the engine owns, from its work and name."""
Answered = Callable[[], None]
"""Function called once the look-up of a key has ended, whether it found something or not."""

RESOLVE_SECONDS: Final = 30.0
"""Seconds after which an enricher's look-up is given up; events wait for a shorter time
(`enrichment_buffer.seconds`)."""
_NEVER: Final = float("inf")


class KeyLookups:
    """The look-ups of one enricher, for all sources."""

    def __init__(
        self,
        enricher: Isolated[Enricher],
        limits: LookupLimits,
        spawn: Spawn,
        values: AnyLookupTable | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Set up look-ups. `values` is the `Context.lookups` that the enricher was built with."""
        self.enricher, self.name = enricher, enricher.name
        self._limits, self._spawn, self._values, self._own_clock = limits, spawn, values, clock
        self._waiting: dict[str, list[Answered]] = {}
        """Keys with a running or queued look-up → callbacks for the end."""
        self._queue: deque[str] = deque()
        self._at_once = limits.at_once(blocking=enricher.blocking)
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        self._next_start = 0.0
        """Loop time before which no further call may start (`per_second`)."""
        self._fresh_until: OrderedDict[str, float] = OrderedDict()
        """Key with a finished look-up → loop time of its next look-up."""
        metrics = enricher.metrics
        self._calls = metrics.counter("enricher_lookups_total")
        self._empty = metrics.counter("enricher_lookups_empty_total")
        self._unknown = metrics.counter("enricher_lookups_unknown_total")
        self._refused = metrics.counter("enricher_lookups_refused_total")
        self.unanswered = metrics.counter("enricher_unanswered_events_total")
        """Events that were judged without data that the enricher could not ask for."""
        self._says_unanswered = enricher.offers(SaysUnanswered)
        metrics.gauge("enricher_lookups_pending", lambda: len(self._waiting))

    def key(self, event: Event) -> str | None:
        """Return the result of `Enricher.key`; None if the call fails or the enricher has not started."""
        if not self.enricher.is_ready or not self.enricher.suspension.is_over:
            return None
        token = OWNER.set(self.enricher)
        try:
            key = self.enricher.component.key(event)
            if key is not None and type(key) is not str:
                raise TypeError(f"key() must give str or None, not {type(key).__name__}")
        except BaseException as error:  # a plugin's code; `contained` would cost too much for each event
            if is_ours(error):
                raise
            self.enricher.failed("give the key of an event", error)
            if isinstance(error, Interrupted):
                self.enricher.suspend()
            return None
        finally:
            OWNER.reset(token)
        return key

    def must_wait(self, key: str) -> bool:
        """Return True if an event with this key has to wait: the key is unknown, and a look-up is under way or due.

        Starts a look-up in the background for a known key that has expired.
        """
        if key in self._waiting:
            return not self.knows(key)
        if not self.knows(key):
            return self._fresh_until.get(key, 0.0) <= self._now()
        if self._limits.ttl and self._fresh_until.get(key, _NEVER) <= self._now():
            self.resolve(key, _nothing)
        return False

    def resolve(self, key: str, answered: Answered) -> bool:
        """Ask for a key, or join the events that wait for it; return False if too many keys wait already."""
        if key in self._waiting:
            self._waiting[key].append(answered)
            return True
        if len(self._waiting) >= self._limits.cache:
            self._refused.value += 1
            return False
        self._waiting[key] = [answered]
        self._queue.append(key)
        self._start_more()
        return True

    def is_asked(self, key: str) -> bool:
        """Return True if a look-up of this key is under way or queued."""
        return key in self._waiting

    def knows(self, key: str) -> bool:
        """Return the result of `Enricher.known`; False if the call fails."""
        known: object = False
        with self.enricher.contained("say whether it knows a key"):
            known = self.enricher.component.known(key)
            if type(known) is not bool:
                raise TypeError(f"known() must give bool, not {type(known).__name__}")
        return known is True

    def is_unanswered(self, key: str) -> bool:
        """Return the enricher's `is_unanswered` for a key that is not waited for; False if it has no such member."""
        answer: object = False
        if self._says_unanswered:
            with self.enricher.contained("say whether a key is unanswered"):
                answer = cast("SaysUnanswered", self.enricher.component).is_unanswered(key)
        return answer is True

    def shrink(self) -> int:
        """Forget half of the answers, and of the times at which keys expire; return how many entries."""
        count = (len(self._fresh_until) + 1) // 2
        for _ in range(count):
            self._fresh_until.popitem(last=False)
        return count + (0 if self._values is None else self._values.shrink())

    def _now(self) -> float:
        return self._own_clock() if self._own_clock is not None else asyncio.get_running_loop().time()

    def _start_more(self) -> None:
        """Start as many calls as `parallel` and `per_second` allow."""
        while self._queue and self._running < self._at_once:
            if self._limits.per_second:
                now = self._now()
                if now < self._next_start:
                    self._start_later(self._next_start - now)
                    return
                self._next_start = max(self._next_start, now - 1.0) + 1.0 / self._limits.per_second
            key = self._queue.popleft()
            self._running += 1
            self._spawn(self._call(key), f"resolve {self.name} {key}")

    def _start_later(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._start_more()

    async def _call(self, key: str) -> None:
        self._calls.value += 1
        try:
            with self.enricher.contained(f"resolve {key}") as call:
                await within(self.enricher, "resolve", RESOLVE_SECONDS, lambda: self.enricher.component.resolve(key))
            if call.failed is None and not self.knows(key):
                self._report_unknown(key)
        finally:
            self._running -= 1
            self._ended(key)
            self._start_more()

    def _report_unknown(self, key: str) -> None:
        """Count a call that has kept no answer, not even a negative one; log the first."""
        self._unknown.value += 1
        if self._unknown.value == 1:
            self.enricher.log.error(
                "%s: `resolve(%r)` has ended, and `known` is False; what was found, or None, belongs into "
                "`context.lookups` (docs/plugins/component.md). Events wait for this enricher in vain",
                self.enricher, key
            )  # fmt: skip

    def _ended(self, key: str) -> None:
        known = self.knows(key)
        has_value = known and (self._values is None or key not in self._values or self._values.get(key) is not None)
        self._empty.value += not has_value
        seconds = (self._limits.ttl or _NEVER) if has_value else self._limits.negative_ttl
        self._fresh_until[key] = self._now() + seconds
        self._fresh_until.move_to_end(key)
        if len(self._fresh_until) > self._limits.cache:
            self._fresh_until.popitem(last=False)
        for answered in self._waiting.pop(key, ()):
            answered()


def _nothing() -> None:
    """Do nothing: no event waits for a refresh."""
