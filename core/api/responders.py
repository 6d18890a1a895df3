"""The contract of responders, and what passes between them and the core.

A responder says what it would do (`plan`) and does it (`act`). Everything between the two is the core's, for built-in
and third parties' responders alike (core/respond/): whether a process may be acted on, whether it is still the one
that the alert is about, budgets, the kill switch, the audit log, dry run. docs/responders.md.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec
from pydantic import Field

from mozu.core.api.settings import Settings
from mozu.core.model.alert import Alert
from mozu.core.model.event import Container


class ResponderSettings(Settings):
    """What the settings of every responder begin with."""

    rules: tuple[str, ...] = Field((), description="Rules whose alerts it acts on; `*`: those of all rules.")
    tags: tuple[str, ...] = Field((), description="It acts on alerts that have one of these tags, too.")
    dry_run: bool = Field(True, description="True: it says what it would do, and does nothing.")
    per_minute: int = Field(
        10, ge=1,
        description="The most acts in a minute for one rule, on containers and on users each; beyond that each account "
        "that has had none has one, up to twice as many. Then it stops and says so.",
    )  # fmt: skip
    ttl: float = Field(3600.0, ge=0, description="Seconds after which an act that can be undone is; 0: it stays.")
    unprotect: tuple[str, ...] = Field(
        (), description="Protected executables that it may act on all the same, if `respond.unprotect` has them, too."
    )


class Scope(enum.StrEnum):
    """The processes that an act is about."""

    NONE = "none"
    """It touches no process."""
    PROCESS = "process"
    SHARERS = "sharers"
    """The process, and those that share its table of descriptors (CLONE_FILES): what it has opened is theirs."""
    GROUP = "group"
    """The process group."""
    CONTAINER = "container"
    """All that are in the cgroup of the container, and below it."""
    CGROUP = "cgroup"
    """All that are in the cgroup of the process, and below it, in a container or not."""


class AlertProcess(msgspec.Struct, frozen=True):
    """The process that an alert is about, as it was when the event happened."""

    pid: int
    start: int = 0
    """ns since the epoch, for people; 0 where unknown."""
    uid: int = 0
    name: str = ""
    exepath: str = ""
    container: Container | None = None
    cgroups: tuple[tuple[str, str], ...] = ()
    """As `Process.cgroups`."""
    boot_start: int = 0
    """Nanoseconds from the boot to the start of the process, as `Process.boot_start`; 0 if unknown."""
    age: int = 0
    """ns that it had run at the event, by the clock since the boot; 0 where unknown."""

    def text(self, scope: Scope) -> str:
        """In a plan: `process 812 (cat)`."""
        process = f"process {self.pid} ({self.name})"
        if scope is Scope.CONTAINER:
            return f"container {'<NA>' if self.container is None else self.container.id} of {process}"
        return f"the {scope} of {process}" if scope in (Scope.GROUP, Scope.CGROUP) else process


class ResponsePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a responder would do."""

    text: str
    """After "would": `kill process 812 (cat)`."""
    scope: Scope = Scope.NONE
    detail: Mapping[str, str] = {}
    """What `undo` needs, in the audit log. Where it has some, an act that does not last is undone if it was broken
    off."""
    lasts: bool = False
    """It can be undone, and is after the time to live."""


class Incident(msgspec.Struct, frozen=True):
    """What a responder may act on."""

    alert: Alert
    """Redacted."""
    subject: AlertProcess | None = None
    """None where the event is no system call, or its process unknown."""

    def plan_to(
        self, verb: str, scope: Scope, *, detail: Mapping[str, str] | None = None, lasts: bool = False
    ) -> ResponsePlan | None:
        """To `VERB process 812 (cat)`, or what the scope is of it; None where the alert is about no process."""
        if self.subject is None:
            return None
        return ResponsePlan(text=f"{verb} {self.subject.text(scope)}", scope=scope, detail=detail or {}, lasts=lasts)


@runtime_checkable
class ResponseTarget(Protocol):
    """One process of an act, held by a pidfd: its number cannot come to mean another."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def name(self) -> str:
        """The kernel's comm."""

    def signal(self, number: int) -> bool:
        """Send a signal; False if it has ended. Raises OSError."""


@runtime_checkable
class Responder(Protocol):
    """Acts on alerts. See docs/spec/component.md, "Responder"."""

    async def start(self) -> None:
        """Get ready."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """What it would do; None: nothing. Changes nothing; a dry run ends after it."""

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Do it, to these processes, which the core has checked. Raises what stands in the way."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Undo an act that lasts, perhaps of an earlier run, or one that was broken off; `start` need not have been
        called. `targets`: those of its processes that are still there. Idempotent."""

    async def stop(self) -> None:
        """Close what is open. Acts that last stay. Idempotent."""


class StatelessResponder:
    """What a responder need not write that has nothing to open or close, and whose acts are not undone."""

    async def start(self) -> None:
        """Nothing to prepare."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """What was done stays so."""

    async def stop(self) -> None:
        """Nothing to close."""


@runtime_checkable
class BlockingResponder(Protocol):
    """A responder whose declaration says `blocking`: all but `plan` is called on a thread of its own."""

    def start(self) -> None:
        """As `Responder.start`."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """As `Responder.plan`: on the event loop, must not block."""

    def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """As `Responder.act`."""

    def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """As `Responder.undo`."""

    def stop(self) -> None:
        """As `Responder.stop`."""
