"""Capabilities: what a component may offer beside its contract, each a protocol with one member.

The core asks `isinstance(component, Reopens)` once, when it builds the component, and calls the member from then on. A
member that is misspelt, or has other parameters, is an error when the plugin is loaded (`contract.py`).
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, runtime_checkable

import msgspec

from mozu.core.api.components import FieldReaders
from mozu.core.api.kernel_kills import (
    KernelAction,
    KernelDenial,
    KernelKills,
    KillPlace,
    RuleCondition,
    RuleHead,
    UnattendedActs,
)
from mozu.core.api.kind import Kind
from mozu.core.api.settings import Settings
from mozu.core.filter.formula import Formula
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.core.model.fields import Resolved

ProcessPredicate = Callable[[int], Sequence[bool] | None]
"""Pid → which of some predicates hold of that process; None: the process is not known."""

CompilePredicates = Callable[[Sequence[Formula]], ProcessPredicate]
"""Predicates on fields that change only at exec or at a move between cgroups → a function that decides them for a
process."""


@runtime_checkable
class ReportsGaps(Protocol):
    """A source that knows of breaks in its time: the clock was set, the input was reopened."""

    def take_gaps(self) -> Sequence[str]:
        """A sentence for each break since the last call. On the event loop, every second; must not block."""


class Flood(msgspec.Struct, frozen=True):
    """Events that a source refused because their account had more than its share of the room there was."""

    account: Literal["process", "user", "container"]
    """Whose share it was; the members below are those of the last event that was refused."""
    pid: int
    uid: int
    """Of the host."""
    cgroup: int
    """The kernel's id of the cgroup."""
    type: str
    """Event type."""
    refused: int
    """Events, since the flood began."""
    reserved: int
    """Of these, lifecycle events and exact matches, which have a reserve."""
    rate: float
    """Events a second that the account made while there was little room, refused or not."""
    seconds: float
    """Since it began."""
    ended: bool = False


@runtime_checkable
class ReportsFloods(Protocol):
    """A source that has too little room for all events at times, and shares it out by process, user and container."""

    def take_floods(self) -> Sequence[Flood]:
        """Each that has begun or ended since the last call. On the event loop, every second; must not block."""


@runtime_checkable
class AcksBatches(Protocol):
    """A source whose input wants an acknowledgement: offsets of Kafka, a pending HTTP request."""

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        """Every alert of this batch is on disk, has arrived, or was dropped by policy. After each batch, in order."""


class Dropped(msgspec.Struct, frozen=True):
    """Why an alert is neither on disk nor delivered at some sink."""

    reason: str
    """One phrase, with the name of the sink."""
    can_retry: bool
    """Whether the same alert may be accepted later: there was no room for it. False: a policy that would drop it again,
    or the destination's own refusal."""


@runtime_checkable
class AcksAlerts(Protocol):
    """A source whose input can send again what was dropped: a client that waits for its response."""

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        """Every ready alert of this batch is on disk or has arrived at every sink whose route passes it, except those
        in `dropped`, by their index in the batch. After each batch, in order; instead of `ack`."""


@runtime_checkable
class HasOrigin(Protocol):
    """A source of recordings, or of an input that several hosts read: its events, or its ready alerts, have numbers
    already, which are unique under `origin`."""

    @property
    def origin(self) -> str:
        """Identity of the stream of events; with an event's number it makes the id of an alert. Empty: the core's."""


@runtime_checkable
class ObservesPids(Protocol):
    """A live source of system calls that sees a few processes only, and not all of the machine's."""

    def observed_pids(self) -> Sequence[int] | None:
        """The processes whose past its events build upon; the core reads no others from /proc. None: it may see any.
        After `start`."""


@runtime_checkable
class StatesLimits(Protocol):
    """A source that cannot see everything that the rules ask for, and knows what that is."""

    def limits(self) -> Sequence[str]:
        """A phrase for each thing that it does not see now: "32-bit calls". For the alert that says that it took the
        place of another source, and for the statistics. After `start`, on the event loop; must not block."""


@runtime_checkable
class FiltersByProcess(Protocol):
    """A live source of system calls that can test in the kernel what holds of a process (`process_filter_cache.py`)."""

    def use_process_predicates(self, compile_predicates: CompilePredicates) -> None:
        """Keep the function, which asks the state as it is at that moment. Before `start`, on the event loop."""


@runtime_checkable
class FollowsState(Protocol):
    """A source that hands what the state knows of processes on, into kernel maps (`process_filter_cache.py`)."""

    def state_applied(self, batch: Sequence[Event]) -> None:
        """Every event of this batch, and of all before it, is in the state, which process predicates may be asked for
        now. After each batch, before the next one is taken from `batches`. On the event loop, while alerts wait: a
        bounded number of look-ups and map updates."""


@runtime_checkable
class LeavesUndecoded(Protocol):
    """A live source of system calls that need not decode those whose verdict is remembered."""

    def leave_undecoded(self, types: frozenset[str]) -> None:
        """From the next batch on give an `UndecodedEvent` for each call of these types, and for no others. On the event
        loop; must not block."""


@runtime_checkable
class DiscardsJudged(Protocol):
    """A live source of system calls that can discard calls that were judged (`UndecodedEvent.source_key`)."""

    def discard_judged(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """No rule matches these: calls with an equal `source_key` may be discarded from now on, counted as filtered,
        where the demand allows it. `classes`: `UndecodedEvent.source_caller` → a number that all callers share of which
        rules read the same, and that never comes again for others. None: no call may be discarded any more, and no
        caller has a class, which holds when this returns. On the event loop, between two batches; a bounded number of
        map updates."""


@runtime_checkable
class CachesProcesses(Protocol):
    """A source that keeps answers about processes."""

    def invalidate_processes(self) -> None:
        """The state was repaired from /proc: answers so far may be wrong. On the event loop; must not block."""


@runtime_checkable
class ProvidesReaders(Protocol):
    """A source whose input answers for itself: a recording knows its users and containers."""

    def readers(self) -> FieldReaders:
        """Readers that take the place of all others. A batch must end where what they answer changes."""


@runtime_checkable
class ChangesSettings(Protocol):
    """A source that can take other values of some settings while it runs (`SourceDeclaration.changeable`)."""

    def change_settings(self, settings: Settings) -> None:
        """Settings of its declaration's class, of which only changeable ones differ. On the event loop, at a reload;
        must not block. `update` follows. Called again with those before where the reload fails."""


@runtime_checkable
class MakesProbes(Protocol):
    """A source that can prove that it sees: it causes a harmless event itself, which then must come through."""

    def make_probe(self) -> Callable[[Event], bool]:
        """Cause an event that no rule of sense matches and that is given whatever the demand; what recognises it. On
        the event loop, before a heartbeat; must not block."""


class CallVerdict(msgspec.Struct, frozen=True):
    """What is made of a call before it runs."""

    denied: bool
    """It must not run, and fails with EPERM."""
    alerts: Sequence[Alert] = ()
    """About it; none where it is not denied."""


class CallJudge(msgspec.Struct, frozen=True):
    """Judges calls before they run."""

    types: frozenset[str]
    """Event types that it may deny; `*`: any. A successful execveat is of the type `execve`."""
    judge: Callable[[SyscallEvent], CallVerdict]
    """On the event loop; must not block: the process that is about to make the call waits for it. The event is what the
    call would be if it ran, as far as that is known; it changes nothing."""


@runtime_checkable
class AsksBefore(Protocol):
    """A live source of system calls that can ask before a call runs, and have it fail with EPERM instead."""

    def ask_before(self, judge_of: Callable[[], CallJudge]) -> None:
        """Keep the function, which gives what all evaluators (`JudgesBefore`) deny together, and call it at the start
        if calls are to be asked about. Judge an event once all before it have been taken from `batches` and the next
        batch is asked for. Before `start`, on the event loop."""


@runtime_checkable
class JudgesBefore(Protocol):
    """An evaluator that can judge a call before it runs, by those of its rules whose response is `deny`."""

    def call_judge(self) -> CallJudge | None:
        """Its judge, which keeps nothing of what it judges; None: no rule denies. On the event loop, if a source asks.
        Not of an evaluator with a thread or a process of its own: the call does not wait for it."""


@runtime_checkable
class JudgesByFields(Protocol):
    """An evaluator whose verdict on an event follows from the event alone: no event changes what it finds in another.

    It looks at events through the readers of `FieldRegistry.resolve` only, never at their members but the source class
    and the type, and gives each alert the number of its event. What such an evaluator finds in a system call that comes
    again may be remembered: it is not given the call then."""

    def fields_judged(self, event_type: str) -> Sequence[Resolved]:
        """Every field whose value may decide whether a system call of this type raises an alert, with the readers
        that are used. Not those that alerts show."""


@runtime_checkable
class DigestsRules(Protocol):
    """An evaluator that can say whether two of its kind apply the same rules."""

    def rules_digest(self) -> str:
        """A hash of the rules in force, in hexadecimal digits; equal for equal rules."""


@runtime_checkable
class NamesRules(Protocol):
    """An evaluator that can say which rules it applies; `mozu trace` reports those that raised nothing, too."""

    def rule_names(self) -> Sequence[str]:
        """The rules in force, in load order."""


@runtime_checkable
class ReadsFields(Protocol):
    """An evaluator that can say which of its rules read a field; those are impaired where its values are wrong."""

    def rules_reading(self, field: str) -> Sequence[str]:
        """The names of the rules in force whose condition or output reads the field of this name, in load order."""


@runtime_checkable
class SaysUnanswered(Protocol):
    """An enricher that can say that its data could not be asked for: alerts of such events say so (`incomplete`)."""

    def is_unanswered(self, key: str) -> bool:
        """Return true if events with this key are judged without data because their origin could not be asked.

        Asked for each event with a key that is not waited for; it must not block.
        """


@runtime_checkable
class GivesConditions(Protocol):
    """An evaluator whose conditions a source may act on itself."""

    def rule_conditions(self, wanted: Callable[[RuleHead], bool]) -> Sequence[RuleCondition]:
        """Those of the rules in force that are wanted, in load order. On the event loop, at the start and a reload."""


@runtime_checkable
class KillsInKernel(Protocol):
    """A live source of system calls that can kill the caller before its call returns."""

    def use_kills(self, kills: KernelKills) -> None:
        """These rules kill, and no others: from the next `update` (or `start`) on, and at once where they are the ones
        that it was last given there. None of the others acts any more when this returns. On the event loop; a bounded
        number of map updates. Events on which a rule has acted say so (`SyscallEvent.kernel_act`)."""


@runtime_checkable
class DeniesInKernel(Protocol):
    """A source of `KillsInKernel` that can have a call fail before it does anything, too."""

    def take_denials(self) -> Sequence[KernelDenial]:
        """Those since it was last asked, oldest first. On the event loop, about once a second."""


@runtime_checkable
class ActsUnattended(Protocol):
    """A source of `KillsInKernel` that leaves its kills and denials in force when mozu dies (`KernelKills.goes_on`)."""

    def take_unattended(self) -> Sequence[UnattendedActs]:
        """What acted since an earlier run died, once this one has taken its place. On the event loop, about once a
        second."""


@runtime_checkable
class ActsInKernel(Protocol):
    """A responder that kills a process or denies a call, which a source may do for it (`KillsInKernel`)."""

    def kill_place(self) -> KillPlace:
        """Where that is to be done. On the event loop, at the start and a reload."""

    def kernel_action(self) -> KernelAction:
        """What is to be done there. The same."""


@runtime_checkable
class Reopens(Protocol):
    """A sink that keeps a file open, which log rotation moves away."""

    def reopen(self) -> None:
        """SIGUSR1: the next `deliver` writes to a new file. On the event loop, also for a `blocking` sink whose thread
        may be at work: set a flag and return."""


@runtime_checkable
class Shrinks(Protocol):
    """A component that keeps what it could find out again: a cache."""

    def shrink(self) -> int:
        """Memory is short (`memory.limit`): forget a part of it, half of what there is or so, and first what was not
        used for longest. How many entries that were; 0: nothing is left. On the event loop, also before and during
        `start`, and for a `blocking` component whose thread may be at work; some 10 ms at most."""


class Obstacle(msgspec.Struct, frozen=True):
    """Something that a start would find in its way."""

    reason: str
    """One sentence: what it is about (a path, an address), what was found, and where it helps what to do."""
    refuses: bool = False
    """True: mozu does not start. False: it starts, and the component tries again and again."""
    held: bool = False
    """Another process has it (a port, a lock): no obstacle where that is the mozu that runs with this configuration."""


@runtime_checkable
class ChecksStart(Protocol):
    """A component that can tell what a start would find on this machine: files, sockets, certificates, ports."""

    def obstacles(self) -> Sequence[Obstacle]:
        """What stands in the way of `start` and of the work after it. Before `start`, on the main thread; leaves no
        trace, asks nothing beyond this machine, and takes milliseconds."""


@runtime_checkable
class ChecksDestination(Protocol):
    """A sink that can find out whether its destination would take an alert (`mozu sinks check`)."""

    def check(self) -> Awaitable[str | None] | str | None:
        """Why it would not take an alert now, in one sentence, or None; sends none. After `start`, where `deliver`
        runs; a plain function if the sink is `blocking`."""


class Capability(msgspec.Struct, frozen=True):
    """One capability, with the kinds of component that may have it."""

    protocol: type
    member: str
    kinds: frozenset[Kind]

    @property
    def is_awaited(self) -> bool:
        """Of a blocking component it is a plain function, called on the component's thread."""
        return inspect.iscoroutinefunction(vars(self.protocol)[self.member])


def _of(protocol: type, member: str, *kinds: Kind) -> Capability:
    return Capability(protocol, member, frozenset(kinds))


CAPABILITIES: Final = (
    _of(ChecksStart, "obstacles", Kind.SOURCE, Kind.ENRICHER, Kind.EVALUATOR, Kind.SINK, Kind.RESPONDER),
    _of(Shrinks, "shrink", Kind.SOURCE, Kind.ENRICHER, Kind.EVALUATOR, Kind.SINK),
    _of(ReportsGaps, "take_gaps", Kind.SOURCE),
    _of(ReportsFloods, "take_floods", Kind.SOURCE),
    _of(AcksBatches, "ack", Kind.SOURCE),
    _of(AcksAlerts, "ack_alerts", Kind.SOURCE),
    _of(HasOrigin, "origin", Kind.SOURCE),
    _of(ObservesPids, "observed_pids", Kind.SOURCE),
    _of(StatesLimits, "limits", Kind.SOURCE),
    _of(FiltersByProcess, "use_process_predicates", Kind.SOURCE),
    _of(FollowsState, "state_applied", Kind.SOURCE),
    _of(LeavesUndecoded, "leave_undecoded", Kind.SOURCE),
    _of(DiscardsJudged, "discard_judged", Kind.SOURCE),
    _of(CachesProcesses, "invalidate_processes", Kind.SOURCE),
    _of(ProvidesReaders, "readers", Kind.SOURCE),
    _of(ChangesSettings, "change_settings", Kind.SOURCE),
    _of(MakesProbes, "make_probe", Kind.SOURCE),
    _of(AsksBefore, "ask_before", Kind.SOURCE),
    _of(JudgesBefore, "call_judge", Kind.EVALUATOR),
    _of(JudgesByFields, "fields_judged", Kind.EVALUATOR),
    _of(DigestsRules, "rules_digest", Kind.EVALUATOR),
    _of(NamesRules, "rule_names", Kind.EVALUATOR),
    _of(ReadsFields, "rules_reading", Kind.EVALUATOR),
    _of(SaysUnanswered, "is_unanswered", Kind.ENRICHER),
    _of(GivesConditions, "rule_conditions", Kind.EVALUATOR),
    _of(KillsInKernel, "use_kills", Kind.SOURCE),
    _of(DeniesInKernel, "take_denials", Kind.SOURCE),
    _of(ActsUnattended, "take_unattended", Kind.SOURCE),
    _of(ActsInKernel, "kill_place", Kind.RESPONDER),
    _of(Reopens, "reopen", Kind.SINK),
    _of(ChecksDestination, "check", Kind.SINK),
)
"""Every capability that the core looks for."""
