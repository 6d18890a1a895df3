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
"""Function from a pid to the results of some predicates for that process; None if the process is not known."""

CompilePredicates = Callable[[Sequence[Formula]], ProcessPredicate]
"""Function that compiles predicates on fields that change only at exec or at a move between cgroups to a
`ProcessPredicate`."""


@runtime_checkable
class ReportsGaps(Protocol):
    """A source that knows of breaks in what it has seen: the clock was set, the input was reopened, its programs in the
    kernel were tampered with."""

    def take_gaps(self) -> Sequence[str]:
        """Return a sentence for each break since the last call. Called on the event loop every second; must not
        block."""


class Flood(msgspec.Struct, frozen=True):
    """Events that a source refused because their account had used more than its share of the buffer's capacity."""

    account: Literal["process", "user", "container"]
    """The account whose share was exceeded; `pid` to `type` are those of the last event that was refused."""
    pid: int
    uid: int
    """User id on the host."""
    cgroup: int
    """The kernel's id of the cgroup."""
    type: str
    """Event type."""
    refused: int
    """Number of events refused since the flood began."""
    reserved: int
    """Number of refused events that were lifecycle events or exact matches, for which a reserve exists."""
    rate: float
    """Events a second from this account while capacity was short, refused ones included."""
    seconds: float
    """Seconds since the flood began."""
    ended: bool = False


@runtime_checkable
class ReportsFloods(Protocol):
    """A source whose buffer is at times too small for all events, and is shared out by process, user and container."""

    def take_floods(self) -> Sequence[Flood]:
        """Return the floods that have begun or ended since the last call. Called on the event loop every second; must
        not block."""


@runtime_checkable
class AcksBatches(Protocol):
    """A source whose input wants an acknowledgement: offsets of Kafka, a pending HTTP request."""

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        """Acknowledge a batch: every alert of it is on disk, has arrived, or was dropped by policy. Called after each
        batch, in order."""


class Dropped(msgspec.Struct, frozen=True):
    """The reason why an alert is neither on disk nor delivered at some sink."""

    reason: str
    """A phrase with the name of the sink."""
    can_retry: bool
    """True if the same alert may be accepted later (a queue was full); False if a policy would drop it again or the
    destination refused it."""


@runtime_checkable
class AcksAlerts(Protocol):
    """A source whose input can send dropped events again: a client that waits for its response."""

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        """Acknowledge a batch: every ready alert of it is on disk or has arrived at every sink whose route passes it,
        except the alerts in `dropped` (by index in the batch). Called instead of `ack`, after each batch, in order."""


@runtime_checkable
class HasOrigin(Protocol):
    """A source of recordings, or of an input that several hosts read: its events, or its ready alerts, already have
    numbers, which are unique under `origin`."""

    @property
    def origin(self) -> str:
        """Identity of the stream of events; with an event's number it makes the id of an alert. Empty: use the
        core's."""


@runtime_checkable
class ObservesPids(Protocol):
    """A live source of system calls that sees only a few of the machine's processes."""

    def observed_pids(self) -> Sequence[int] | None:
        """Return the pids whose past the events build upon; the core reads no other processes from /proc. None if the
        source may see any process. Called after `start`."""


@runtime_checkable
class StatesLimits(Protocol):
    """A source that cannot report every event that the rules demand, and can list what is missing."""

    def limits(self) -> Sequence[str]:
        """Return a phrase for each thing that is not seen now: "32-bit calls". Shown in the statistics, and in the
        alert that reports that this source replaces another. Called after `start`, on the event loop; must not
        block."""


@runtime_checkable
class FiltersByProcess(Protocol):
    """A live source of system calls that can test predicates on a process in the kernel (`verdicts.py`)."""

    def use_process_predicates(self, compile_predicates: CompilePredicates) -> None:
        """Keep the function, which evaluates predicates on the current state. Called before `start`, on the event
        loop."""


@runtime_checkable
class FollowsState(Protocol):
    """A source that passes the state's knowledge of processes on into kernel maps (`verdicts.py`)."""

    def state_applied(self, batch: Sequence[Event]) -> None:
        """Note that every event of this batch, and of all batches before it, is in the state, so that process
        predicates may now be evaluated. Called after each batch, before the next one is taken from `batches`, on the
        event loop while alerts wait: make only a bounded number of look-ups and map updates."""


@runtime_checkable
class LeavesUndecoded(Protocol):
    """A live source of system calls that need not decode calls whose verdict is remembered."""

    def leave_undecoded(self, types: frozenset[str]) -> None:
        """Yield an `UndecodedEvent` for each call of these types, and of no others, from the next batch on. Called on
        the event loop; must not block."""


@runtime_checkable
class DiscardsJudged(Protocol):
    """A live source of system calls that can discard calls that were judged (`UndecodedEvent.source_key`)."""

    def discard_judged(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """Allow the source to discard calls with the `source_key` of these events, which no rule matches; the calls are
        counted as filtered, and discarded only as far as the demand allows. `classes` maps
        `UndecodedEvent.source_caller` to a number shared by all callers for which rules read the same values, and never
        used for others. None for `events`: before returning, stop discarding and forget all classes. Called on the
        event loop, between two batches; make only a bounded number of map updates."""


@runtime_checkable
class CachesProcesses(Protocol):
    """A source that caches answers about processes."""

    def invalidate_processes(self) -> None:
        """Drop cached answers, which may be wrong: the state was repaired from /proc. Called on the event loop; must
        not block."""


@runtime_checkable
class ProvidesReaders(Protocol):
    """A source whose input holds its own names: a recording knows its users and containers."""

    def readers(self) -> FieldReaders:
        """Return readers that replace all other readers of these fields. A batch must end where the values they read
        change."""


@runtime_checkable
class ChangesSettings(Protocol):
    """A source that can change some settings while it runs (`SourceDeclaration.changeable`)."""

    def change_settings(self, settings: Settings) -> None:
        """Use these settings, of the declaration's class, in which only changeable ones differ. Called on the event
        loop at a reload, before `update`; must not block. Called again with the former settings if the reload fails."""


@runtime_checkable
class MakesProbes(Protocol):
    """A source that can prove that it sees: it causes a harmless event, which must then come through."""

    def make_probe(self) -> Callable[[Event], bool]:
        """Cause an event that no sensible rule matches and that is reported whatever the demand; return a function that
        recognises it. Called on the event loop before a heartbeat; must not block."""


class CallVerdict(msgspec.Struct, frozen=True):
    """The decision on a call before it runs."""

    denied: bool
    """True if the call must not run; it then fails with EPERM."""
    alerts: Sequence[Alert] = ()
    """Alerts about the call; empty if it is not denied."""


class CallJudge(msgspec.Struct, frozen=True):
    """A judge of calls before they run."""

    types: frozenset[str]
    """Event types that the judge may deny; `*`: any. A successful execveat is of the type `execve`."""
    judge: Callable[[SyscallEvent], CallVerdict]
    """Function from the call, as it would be if it ran and as far as that is known, to the decision; it changes
    nothing. Called on the event loop; must not block, because the process that makes the call is waiting."""


@runtime_checkable
class AsksBefore(Protocol):
    """A live source of system calls that can have a call judged before it runs, and make it fail with EPERM."""

    def ask_before(self, judge_of: Callable[[], CallJudge]) -> None:
        """Keep the function, which returns one judge for all evaluators (`JudgesBefore`), and call it at the start if
        calls are to be judged. Judge an event only after all events before it were taken from `batches` and the next
        batch was asked for. Called before `start`, on the event loop."""


@runtime_checkable
class JudgesBefore(Protocol):
    """An evaluator that can judge a call before it runs, with its rules whose response is `deny`."""

    def call_judge(self) -> CallJudge | None:
        """Return the judge, which keeps nothing of the calls it judges; None if no rule denies. Called on the event
        loop if a source asks. Not supported for an evaluator with a thread or process of its own: the call does not
        wait for it."""


@runtime_checkable
class JudgesByFields(Protocol):
    """An evaluator whose verdict on an event follows from that event alone, never from other events.

    The evaluator looks at events through the readers of `FieldRegistry.resolve` only, except for the source class and
    the type, and gives each alert the number of its event. Its verdict on a system call may then be remembered: the
    evaluator is not given an equal call again. An evaluator that keeps something of an event without an alert, such as
    its number, reads a field of it that cannot be kept (`evt.rawtime`), and is given the next one, too.
    """

    def fields_judged(self, event_type: str) -> Sequence[Resolved]:
        """Return every field, with the readers used, whose value may decide if a system call of this type raises an
        alert. Fields that are only shown in alerts are left out."""


@runtime_checkable
class DigestsRules(Protocol):
    """An evaluator that can tell if another of its kind applies the same rules."""

    def rules_digest(self) -> str:
        """Return a hash of the rules in force, in hexadecimal digits; equal for equal rules."""


@runtime_checkable
class NamesRules(Protocol):
    """An evaluator that can list its rules; `mozu trace` also reports rules that raised nothing."""

    def rule_names(self) -> Sequence[str]:
        """Return the names of the rules in force, in load order."""


@runtime_checkable
class ShadowsRules(Protocol):
    """An evaluator with rules in shadow mode, whose alerts have `shadow` set; `mozu status` lists these rules."""

    def shadow_rules(self) -> Sequence[str]:
        """Return the names of the rules in shadow mode, in load order."""


@runtime_checkable
class ReadsFields(Protocol):
    """An evaluator that can list the rules that read a field; they are impaired if the field's values are wrong."""

    def rules_reading(self, field: str) -> Sequence[str]:
        """Return the names of the rules in force whose condition or output reads the field of this name, in load
        order."""


@runtime_checkable
class SaysUnanswered(Protocol):
    """An enricher that can tell if its data was unavailable: alerts of such events say so (`incomplete`)."""

    def is_unanswered(self, key: str) -> bool:
        """Return True if events with this key are judged without data because the origin of the data could not be
        asked.

        Called for each event with a key that is not waited for; must not block.
        """


@runtime_checkable
class GivesConditions(Protocol):
    """An evaluator whose conditions a source may act on."""

    def rule_conditions(self, wanted: Callable[[RuleHead], bool]) -> Sequence[RuleCondition]:
        """Return the rules in force for which `wanted` is true, in load order. Called on the event loop, at the start
        and at a reload."""


@runtime_checkable
class KillsInKernel(Protocol):
    """A live source of system calls that can kill the caller before its call returns."""

    def use_kills(self, kills: KernelKills) -> None:
        """Kill for these rules and no others. New rules act from the next `update` (or `start`) on, and at once if they
        are the same as at the last one; removed rules no longer act when this returns. Called on the event loop; make
        only a bounded number of map updates. Events on which a rule has acted carry `SyscallEvent.kernel_act`."""


@runtime_checkable
class DeniesInKernel(Protocol):
    """A source of `KillsInKernel` that can also make a call fail before it does anything."""

    def take_denials(self) -> Sequence[KernelDenial]:
        """Return the denials since the last call, oldest first. Called on the event loop about once a second."""


@runtime_checkable
class ActsUnattended(Protocol):
    """A source of `KillsInKernel` whose kills and denials stay in force if mozu dies (`KernelKills.goes_on`)."""

    def take_unattended(self) -> Sequence[UnattendedActs]:
        """Return the acts since an earlier run died, once this run has taken over. Called on the event loop about once
        a second."""


@runtime_checkable
class ActsInKernel(Protocol):
    """A responder that kills a process or denies a call, which a source may do in its place (`KillsInKernel`)."""

    def kill_place(self) -> KillPlace:
        """Return the place of execution. Called on the event loop, at the start and at a reload."""

    def kernel_action(self) -> KernelAction:
        """Return the action that the kernel is to take. Called on the event loop, at the start and at a reload."""


@runtime_checkable
class Reopens(Protocol):
    """A sink that keeps a file open that log rotation may move away."""

    def reopen(self) -> None:
        """Handle SIGUSR1: the next `deliver` writes to a new file. Called on the event loop, also for a `blocking` sink
        whose thread may be at work: set a flag and return."""


@runtime_checkable
class Shrinks(Protocol):
    """A component that keeps data it could obtain again: a cache."""

    def shrink(self) -> int:
        """Forget about half of the entries, least recently used first, because memory is short (`memory.limit`), and
        return how many were forgotten; 0 if none is left. Called on the event loop, also before and during `start`, and
        for a `blocking` component whose thread may be at work; may take some 10 ms at most."""


class Obstacle(msgspec.Struct, frozen=True):
    """An obstacle that a start would meet."""

    reason: str
    """A sentence: the subject (a path, an address), what was found, and if useful what to do."""
    refuses: bool = False
    """True if mozu does not start; False if it starts and the component tries again and again."""
    held: bool = False
    """True if another process holds the resource (a port, a lock): no obstacle if that process is the mozu that runs
    with this configuration."""


@runtime_checkable
class ChecksStart(Protocol):
    """A component that can check what a start would meet on this machine: files, sockets, certificates, ports."""

    def obstacles(self) -> Sequence[Obstacle]:
        """Return obstacles to `start` and to the work after it. Called before `start`, on the main thread; leaves no
        trace, asks nothing beyond this machine, and takes milliseconds."""


@runtime_checkable
class ChecksDestination(Protocol):
    """A sink that can find out if its destination would take an alert (`mozu sinks check`)."""

    def check(self) -> Awaitable[str | None] | str | None:
        """Return in one sentence why the destination would not take an alert now, or None if it would; no alert is
        sent. Called after `start`, on the thread of `deliver`; a plain function if the sink is `blocking`."""


class Capability(msgspec.Struct, frozen=True):
    """A capability, with the kinds of component that may have it."""

    protocol: type
    member: str
    kinds: frozenset[Kind]

    @property
    def is_awaited(self) -> bool:
        """True if the member is awaited. A blocking component's member is a plain function, called on the component's
        thread."""
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
    _of(ShadowsRules, "shadow_rules", Kind.EVALUATOR),
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
