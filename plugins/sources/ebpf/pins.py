"""Kills and denials that continue when mozu dies: their attachments and maps are pinned in the BPF file system.

A run has a directory of its own there. The next run arms its own programs first, and then ends those of earlier runs,
so that rules are always in force. Acts in the meantime are in their maps.
"""

import os
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.api import KernelDenial, KernelKill, UnattendedActs
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.deny_programs import denials
from mozu.plugins.sources.ebpf.maps import KILL

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
