"""The contract of responders, and the types that pass between them and the core.

A responder says what it would do (`plan`) and does it (`act`). Everything between the two is the core's, for built-in
and third parties' responders alike (core/respond/): whether a process may be acted on, whether it is still the one that
the alert is about, budgets, the kill switch, the audit log, dry run. docs/operate/responders.md.
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
    """The settings that every responder has."""

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
    """No process."""
    PROCESS = "process"
    SHARERS = "sharers"
    """The process, and processes that share its table of descriptors (CLONE_FILES) and thus its open files."""
    GROUP = "group"
    """The process group."""
    CONTAINER = "container"
    """Every process in the cgroup of the container, and below it."""
    CGROUP = "cgroup"
    """Every process in the cgroup of the process, and below it, in a container or not."""


class AlertProcess(msgspec.Struct, frozen=True):
    """The process that an alert is about, as it was when the event happened."""

    pid: int
    start: int = 0
    """Start of the process, ns since the epoch, for people; 0 if unknown."""
    uid: int = 0
    name: str = ""
    exepath: str = ""
    container: Container | None = None
    cgroups: tuple[tuple[str, str], ...] = ()
    """(controller, path) pairs, the same as `Process.cgroups`."""
    boot_start: int = 0
    """Nanoseconds from the boot to the start of the process, the same as `Process.boot_start`; 0 if unknown."""
    age: int = 0
    """Time the process had run at the event, ns by the clock since the boot; 0 if unknown."""

    def text(self, scope: Scope) -> str:
        """Return the words for a plan: `process 812 (cat)`."""
        process = f"process {self.pid} ({self.name})"
        if scope is Scope.CONTAINER:
            return f"container {'<NA>' if self.container is None else self.container.id} of {process}"
        return f"the {scope} of {process}" if scope in (Scope.GROUP, Scope.CGROUP) else process


class ResponsePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The action that a responder would take."""

    text: str
    """The words after "would": `kill process 812 (cat)`."""
    scope: Scope = Scope.NONE
    detail: Mapping[str, str] = {}
    """Data that `undo` needs, kept in the audit log. If it is not empty, an act that does not last is undone if it was
    broken off."""
    lasts: bool = False
    """True if the act can be undone, and is after the time to live."""


class Incident(msgspec.Struct, frozen=True):
    """An alert that a responder may act on."""

    alert: Alert
    """The redacted alert."""
    subject: AlertProcess | None = None
    """The process; None if the event is no system call or its process is unknown."""

    def plan_to(
        self, verb: str, scope: Scope, *, detail: Mapping[str, str] | None = None, lasts: bool = False
    ) -> ResponsePlan | None:
        """Return a plan to `VERB process 812 (cat)`, or to do so to its container, group or cgroup; None if the alert
        is about no process."""
        if self.subject is None:
            return None
        return ResponsePlan(text=f"{verb} {self.subject.text(scope)}", scope=scope, detail=detail or {}, lasts=lasts)


@runtime_checkable
class ResponseTarget(Protocol):
    """A process of an act, held by a pidfd, so that its pid cannot come to mean another process."""

    @property
    def pid(self) -> int:
        """The pid."""

    @property
    def name(self) -> str:
        """The kernel's comm."""

    def signal(self, number: int) -> bool:
        """Send a signal; return False if the process has ended. Raises OSError."""


@runtime_checkable
class Responder(Protocol):
    """A component that acts on alerts. See docs/plugins/component.md, "Responder"."""

    async def start(self) -> None:
        """Prepare for incidents."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the intended action; None if there is none. Changes nothing; a dry run ends after it."""

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Carry out the plan on these processes, which the core has checked. Raises if something prevents it."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Undo an act that lasts, perhaps one of an earlier run, or an act that was broken off; `start` need not have
        been called. `targets`: the act's processes that still exist. Idempotent."""

    async def stop(self) -> None:
        """Close open resources. Acts that last stay in force. Idempotent."""


class StatelessResponder:
    """A base for responders that have nothing to open or close, and whose acts are not undone."""

    async def start(self) -> None:
        """Do nothing: there is nothing to prepare."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Do nothing: acts are not undone."""

    async def stop(self) -> None:
        """Do nothing: there is nothing to close."""


@runtime_checkable
class BlockingResponder(Protocol):
    """A responder whose declaration says `blocking`: all methods but `plan` are called on a thread of its own."""

    def start(self) -> None:
        """Prepare; see `Responder.start`."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return a plan; see `Responder.plan`. Called on the event loop; must not block."""

    def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Carry out the plan; see `Responder.act`."""

    def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Undo an act; see `Responder.undo`."""

    def stop(self) -> None:
        """Close; see `Responder.stop`."""
