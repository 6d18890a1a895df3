"""Kills and denials in the kernel: what passes between evaluators, responders and sources. docs/responders.md."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from mozu.core.filter.formula import Formula

KillPlace = Literal["user", "kernel", "either"]
"""Where a responder kills: mozu itself, the kernel alone, or the kernel where it can."""


KernelAction = Literal["kill", "deny"]
"""What the kernel does: the caller is killed before its call returns, or the call fails before it does anything."""


class RuleHead(msgspec.Struct, frozen=True):
    """What responders choose rules by."""

    rule: str
    source: str
    """Source class."""
    tags: tuple[str, ...] = ()
    respond: tuple[str, ...] = ()
    """Responders that it names."""


class RuleCondition(msgspec.Struct, frozen=True):
    """A rule with its condition."""

    head: RuleHead
    predicates: Mapping[str, Formula]
    """Event type → what holds of an event of this type if and only if the condition does; `*`: of any type."""


class KernelKill(msgspec.Struct, frozen=True):
    """A rule whose events kill their process in the kernel, or whose calls are denied there."""

    rule: str
    responder: str
    """The id of the responder."""
    predicates: Mapping[str, Formula]
    """As in `RuleCondition`, of the event types at which the kernel decides it."""
    dry_run: bool = True
    per_minute: int = 10
    action: KernelAction = "kill"


class KernelDenial(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was denied in the kernel, or would have been. It has no event that the rule matches: it never was."""

    rule: str
    responder: str
    """As of its `KernelKill`."""
    what: str
    """`open of /etc/shadow`."""
    pid: int
    name: str
    """The kernel's comm."""
    uid: int
    start: int
    """Of the process, ns since the boot."""
    time: int
    """ns since the boot."""
    acted: bool
    """False: a dry run."""


class UnattendedActs(msgspec.Struct, frozen=True):
    """What went on to act while mozu did not run."""

    rule: str
    responder: str
    acts: int
    """Those of which no event or denial could be reported."""


class KernelKills(msgspec.Struct, frozen=True):
    """All of them, and whom they leave alone."""

    rules: tuple[KernelKill, ...] = ()
    """Those that act come before those that would."""
    per_minute: int = 30
    """Of all rules together."""
    spared_pids: Mapping[int, int] = {}
    """With their start, ns since the boot in steps of a hundredth of a second: a later process may have the number."""
    spared_users: frozenset[int] = frozenset()
    spared_executables: Mapping[tuple[int, int], int] = {}
    """(device, inode) as the kernel's programs see them (`s_dev`, `i_ino`) → the user that may run it besides root; 0:
    none. Another user's process is not spared."""
    goes_on: bool = False
    """Whether the kernel acts on when mozu dies (`respond.on_death`)."""
    pins: str = ""
    """A directory in a BPF file system, which need not be there: what goes on lies in it, of an earlier run, too."""
    off: bool = False
    """Responses are switched off: none of them acts, until they are given again."""
