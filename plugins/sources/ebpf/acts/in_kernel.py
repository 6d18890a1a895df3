"""Kills and denials in the kernel by one source: its rules become programs, and maps that arm them.

They can continue when mozu dies: their attachments and maps are pinned in the BPF file system. A run has a directory of
its own there. The next run arms its own programs first, and then ends those of earlier runs, so that rules are always
in force. Acts in the meantime are in their maps.
"""

import logging
import os
import struct
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context, KernelAction, KernelDenial, KernelKill, KernelKills, UnattendedActs
from mozu.core.filter.formula import Formula
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.acts.deny_programs import denials
from mozu.plugins.sources.ebpf.acts.kill_programs import KillArms, TooManySpared
from mozu.plugins.sources.ebpf.kernel_filter.deny import deny_functions
from mozu.plugins.sources.ebpf.kernel_filter.kill import kill_functions
from mozu.plugins.sources.ebpf.maps import KILL

if TYPE_CHECKING:  # the loader owns the programs of both
    from mozu.plugins.sources.ebpf.loader import Loader
    from mozu.plugins.sources.ebpf.loader_thread import LoaderThread

_ACTS: Final = 2
"""KILL_ACTS of bpf/kernel_kill.h."""
_NOTE: Final = struct.Struct("<Q120s120s")
"""Entry of a rule: number of acts that mozu has seen; its responder and its name, cut."""
_NOTES: Final = "NOTES"
_KILLS, _DENIALS = "KILLS", "DENIALS"


class Left(NamedTuple):
    """Acts and denials that earlier runs have left."""

    acts: list[UnattendedActs]
    denials: list[KernelDenial]


class Pins:
    """Pins of one run. `folder`: directory of all runs with its state directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"{os.getpid()}-{time.monotonic_ns()}"
        self._notes = -1
        self._seen: list[int] = []

    def place(self, objects: Mapping[str, int], rules: Sequence[KernelKill], acts: Sequence[int]) -> None:
        """Pin these descriptors, by name, replacing this run's pins. `acts`: acts of each rule until now.

        Raises OSError if not all could be pinned, and then none is.
        """
        self.remove()
        size = _NOTE.size
        self._notes = bpf_syscall.create_map(bpf_syscall.ARRAY, "mozu_notes", key=4, value=size, entries=len(rules) + 1)
        try:
            for number, (rule, seen) in enumerate(zip(rules, acts, strict=True), 1):
                note = _NOTE.pack(seen, rule.responder.encode()[:120], rule.rule.encode()[:120])
                bpf_syscall.update(self._notes, number, note)
            self._seen = list(acts)
            self._own.mkdir(mode=0o700, parents=True)
            for name, descriptor in (*objects.items(), (_NOTES, self._notes)):
                bpf_syscall.pin(descriptor, self._own / name)
        except OSError:
            self.remove()
            raise

    def note(self, acts: Sequence[int]) -> None:
        """Note the number of acts of each rule that mozu has seen."""
        if self._notes < 0:
            return
        for number, (before, now) in enumerate(zip(self._seen, acts, strict=True), 1):
            if now != before:
                rest = bpf_syscall.lookup(self._notes, number, _NOTE.size)[8:]
                bpf_syscall.update(self._notes, number, struct.pack("<Q", now) + rest)
        self._seen = list(acts)

    def remove(self) -> None:
        """Remove this run's pins, so that nothing continues without it."""
        _unpin(self._own)
        if self._notes >= 0:
            os.close(self._notes)
            self._notes = -1

    def end_others(self) -> Left:
        """End programs that earlier runs have left in force; return their acts since."""
        left = Left([], [])
        runs: list[Path] = []
        with suppress(OSError):  # there is none
            runs = [one for one in self._folder.iterdir() if one != self._own]
        for run in runs:
            with suppress(OSError):  # of another version, or removed meanwhile
                _collect(run, left)
            with suppress(OSError):
                _unpin(run)
        return left


def _collect(run: Path, left: Left) -> None:
    """Switch the rules of a run off, and collect their acts."""
    maps: dict[str, int] = {}
    try:
        for name in (_KILLS, _DENIALS, _NOTES):
            maps[name] = bpf_syscall.get_pinned(run / name)
        notes: list[tuple[int, KernelKill]] = []
        number = 1
        while (note := _note(maps[_NOTES], number)) is not None:
            notes.append(note)
            number += 1
        done: list[int] = []
        for number in range(1, len(notes) + 1):
            mode, *rest = KILL.unpack(bpf_syscall.lookup(maps[_KILLS], number, KILL.size))
            bpf_syscall.update(maps[_KILLS], number, KILL.pack(0, *rest))
            done.append(rest[4] if mode == _ACTS else 0)
        left_denials = list(denials(maps[_DENIALS], [rule for _, rule in notes]))
        left.denials.extend(left_denials)
        for acts, (seen, rule) in zip(done, notes, strict=True):
            named = sum(one.acted and one.rule == rule.rule for one in left_denials)
            if (more := acts - seen - named) > 0:
                left.acts.append(UnattendedActs(rule.rule, rule.responder, more))
    finally:
        for descriptor in maps.values():
            os.close(descriptor)


def _note(notes: int, number: int) -> tuple[int, KernelKill] | None:
    """Return the note of a rule; None if there is no rule of this number."""
    try:
        seen, responder, rule = _NOTE.unpack(bpf_syscall.lookup(notes, number, _NOTE.size))
    except FileNotFoundError:
        return None
    name, of = (text.rstrip(b"\0").decode(errors="replace") for text in (rule, responder))
    return seen, KernelKill(name, of, {})


def _unpin(run: Path) -> None:
    with suppress(FileNotFoundError):
        for place in run.iterdir():
            place.unlink()
        run.rmdir()


_Placed = tuple[tuple[KernelAction, tuple[tuple[str, Formula], ...]], ...]
"""Rules as (action, conditions by event type), from which programs were made."""


_CHANGED = (
    "another process has changed the map {} of mozu, which is as before again; calls of the second before may not have "
    "been seen, killed for or denied in the kernel"
)


def warn_of(log: logging.Logger, text: str, reasons: Mapping[str, str]) -> None:
    """Log one warning per reason. `reasons`: reason by name; `text` has a place for the names and one for the
    reason."""
    for reason in dict.fromkeys(reasons.values()):
        log.warning(text, ", ".join(sorted(name for name, why in reasons.items() if why == reason)), reason)


class InKernel:
    """Kills and denials of one source, across all of its starts."""

    def __init__(self, context: Context) -> None:
        self._log = context.log
        self._kills = KernelKills()
        self._placed: _Placed = ()
        self._arms: KillArms | None = None
        self._loader: Loader | None = None
        self._denials: list[KernelDenial] = []
        """Denials read before other rules were armed, whose numbers they refer to."""
        self._unattended: list[UnattendedActs] = []
        self._pins: Pins | None = None
        self._what_acts: Callable[[], Mapping[str, int]] = dict
        self._ends_sharers = False
        self._counts = 0, 0
        """Counts at the time the maps were closed."""
        context.metrics.gauge("kernel_kills_total", lambda: self.counts()[0])
        context.metrics.gauge("kernel_kills_left_total", lambda: self.counts()[1])

    @property
    def goes_on(self) -> bool:
        """True if kills and denials are to continue when mozu dies."""
        return self._kills.goes_on

    def use(self, kills: KernelKills) -> None:
        """Use these rules; see `KillsInKernel`."""
        before, self._kills = self._kills, kills
        self._name_files()
        if self._arms is not None and msgspec.structs.replace(before, named_files=kills.named_files) != kills:
            self._arms.disarm()
            if kills.rules and _of(kills.rules) == self._placed:
                self._arm(self._arms)
            self._pin(self._arms)

    async def update(self, loader: "Loader", thread: "LoaderThread") -> None:
        """Make the programs of these rules run before the filters of their calls. To be called after those were set."""
        if self._arms is None:
            self._arms = KillArms(loader.maps)
        self._arms.disarm()
        self._loader = loader
        self._name_files()
        placed = _of(self._kills.rules)
        if placed or self._placed:
            kills = self._kills
            refused = await thread.run(lambda loader: loader.set_kills(kill_functions(_killing(kills))))
            warn_of(self._log, "source ebpf: the kernel kills at no %s: %s; mozu does", refused)
            refused = await thread.run(lambda loader: loader.set_denials(deny_functions(_denying(kills))))
            warn_of(self._log, "source ebpf: the kernel denies nothing at %s: %s", refused)
        self._placed, self._ends_sharers, self._what_acts = placed, loader.ends_sharers, loader.what_acts
        self._arm(self._arms)
        self._pin(self._arms)

    def _name_files(self) -> None:
        if self._loader is not None:
            try:
                self._loader.named_files.use(self._kills.named_files)
            except OSError as error:
                self._log.error("source ebpf: files named in rules are matched by path only: %s", error)

    def take_gaps(self) -> list[str]:
        """Return sentences on maps that another process has changed, which are restored. See `ReportsGaps`: a process
        with CAP_SYS_ADMIN in the first user namespace may open any map by its id."""
        if self._arms is None or self._loader is None:
            return []
        restored = {"KILLS": self._arms.restore(), "SETTINGS": self._loader.named_files.restore()}
        return [_CHANGED.format(name) for name, was_changed in restored.items() if was_changed]

    def take_denials(self) -> list[KernelDenial]:
        """Return the denials since the last call; see `DeniesInKernel`."""
        if self._arms is not None:
            self._denials += self._arms.denials()
            if self._pins is not None:
                self._pins.note(self._arms.acts())
        taken, self._denials = self._denials, []
        return taken

    def take_unattended(self) -> list[UnattendedActs]:
        """Return acts while no mozu ran; see `ActsUnattended`."""
        taken, self._unattended = self._unattended, []
        return taken

    def _pin(self, arms: KillArms) -> None:
        """Pin armed programs, so that they continue without mozu, if that is wanted; end those of earlier runs."""
        if not self._kills.pins:
            return
        pins = self._pins = self._pins or Pins(Path(self._kills.pins))
        pins.remove()
        if self._kills.goes_on and arms.is_armed:
            try:
                pins.place(self._what_acts(), self._kills.rules, arms.acts())
            except OSError as error:
                text = "source ebpf: kills and denials end with mozu: nothing can be pinned in %s: %s"
                self._log.warning(text, self._kills.pins, error)
        left = pins.end_others()
        self._unattended += left.acts
        self._denials += left.denials

    def _arm(self, arms: KillArms) -> None:
        self._denials += arms.denials()
        if not self._kills.rules or self._kills.off:
            return
        try:
            arms.arm(self._kills, ends_sharers=self._ends_sharers)
        except (OSError, TooManySpared) as error:
            arms.disarm()
            self._log.error("source ebpf: the kernel enforces no kill rule: %s; mozu enforces them", error)

    def counts(self) -> tuple[int, int]:
        """Return (acts and would-be acts, matching calls that were left to user space) since the start."""
        return self._counts if self._arms is None else self._arms.counts()

    def close(self) -> None:
        """Disarm before the maps are closed."""
        self._counts = self.counts()
        if self._arms is not None:
            self._arms.disarm()
            self._denials += self._arms.denials()
        if self._pins is not None:
            self._pins.remove()
        self._arms, self._loader, self._placed = None, None, ()


def _killing(kills: KernelKills) -> list[dict[SyscallSpec, Formula]]:
    """Return the conditions of kill rules, by the rule's index."""
    return [
        {SYSCALL_SPECS[name]: one for name, one in rule.predicates.items()} if rule.action == "kill" else {}
        for rule in kills.rules
    ]


def _denying(kills: KernelKills) -> list[Mapping[str, Formula]]:
    """Return the conditions of deny rules, by the rule's index."""
    return [rule.predicates if rule.action == "deny" else {} for rule in kills.rules]


def _of(rules: Collection[KernelKill]) -> _Placed:
    return tuple((rule.action, tuple(sorted(rule.predicates.items(), key=lambda pair: pair[0]))) for rule in rules)
