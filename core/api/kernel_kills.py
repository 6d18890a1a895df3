"""Kills and denials in the kernel: the types that pass between evaluators, responders and sources.
docs/operate/responders.md."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from mozu.core.filter.formula import Formula

KillPlace = Literal["user", "kernel", "either"]
"""The place where a responder kills: mozu itself, the kernel alone, or the kernel if possible and mozu otherwise."""


KernelAction = Literal["kill", "deny"]
"""The kernel's action: kill the caller before its call returns, or make the call fail before it does anything."""


class RuleHead(msgspec.Struct, frozen=True):
    """The properties of a rule by which responders choose rules."""

    rule: str
    source: str
    """Source class."""
    tags: tuple[str, ...] = ()
    respond: tuple[str, ...] = ()
    """Responders that the rule names."""


class RuleCondition(msgspec.Struct, frozen=True):
    """A rule with its condition."""

    head: RuleHead
    predicates: Mapping[str, Formula]
    """Event type → the formula that holds of an event of this type if and only if the condition does; `*`: of any
    type."""


class KernelKill(msgspec.Struct, frozen=True):
    """A rule whose events kill their process in the kernel, or whose calls are denied there."""

    rule: str
    responder: str
    """The id of the responder."""
    predicates: Mapping[str, Formula]
    """Event type → formula, the same as in `RuleCondition`, for the event types at which the kernel decides."""
    dry_run: bool = True
    per_minute: int = 10
    action: KernelAction = "kill"


class KernelDenial(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was denied in the kernel, or would have been. No event exists that the rule matches, because the call
    never ran."""

    rule: str
    responder: str
    """The id of the responder, the same as in its `KernelKill`."""
    what: str
    """The call in words: `open of /etc/shadow`."""
    pid: int
    name: str
    """The kernel's comm."""
    uid: int
    start: int
    """Start of the process, ns since the boot."""
    time: int
    """Time of the call, ns since the boot."""
    acted: bool
    """False for a dry run."""


class UnattendedActs(msgspec.Struct, frozen=True):
    """Acts of a rule in the kernel while mozu did not run."""

    rule: str
    responder: str
    acts: int
    """Number of acts of which no event or denial could be reported."""


class KernelKills(msgspec.Struct, frozen=True):
    """The kills and denials of a source, and the processes they spare."""

    rules: tuple[KernelKill, ...] = ()
    """The rules; acting ones precede those in dry run."""
    per_minute: int = 30
    """The most acts in a minute of all rules together."""
    spared_pids: Mapping[int, int] = {}
    """Pid → start of the process, ns since the boot in steps of a hundredth of a second: a later process may have the
    same pid."""
    spared_users: frozenset[int] = frozenset()
    spared_executables: Mapping[tuple[int, int], int] = {}
    """(device, inode) as the kernel's programs see them (`s_dev`, `i_ino`) → the user that may run it besides root; 0:
    none. Another user's process is not spared."""
    named_files: Mapping[tuple[int, int], str] = {}
    """Existing regular files named by rules with a responder: (device, inode) as above → the path in the rules, which
    is the
    `fd.realpath` of the file, independent of the path used to open it.
    """
    goes_on: bool = False
    """True if the kernel continues to act when mozu dies (`respond.on_death`)."""
    pins: str = ""
    """A directory in a BPF file system, which need not exist, for what stays in force, from an earlier run too."""
    off: bool = False
    """True if responses are switched off: no rule acts until the rules are given again."""
