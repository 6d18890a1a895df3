"""Pins for the time without mozu, and the state that the next run reads from them; files stand for the
kernel's pins.
"""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import KernelKill, UnattendedActs
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.acts.in_kernel import Pins
from mozu.plugins.sources.ebpf.maps import DENIAL, KILL

RULES = (KernelKill("first", "kill", {}, dry_run=False), KernelKill("second", "deny", {}, dry_run=False, action="deny"))
ACTS, DRY = 2, 1


class Kernel:
    """Maps by number; a pin is a file with the number of its map."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.maps: dict[int, dict[int, bytes]] = defaultdict(dict)
        self.queue: list[bytes] = []
        self._last = 100
        self._aliases: dict[int, int] = {}
        for name in ("create_map", "lookup", "update", "pop", "pin", "get_pinned"):
            monkeypatch.setattr(bpf_syscall, name, getattr(self, name))

    def create_map(self, kind: int, name: str, *, key: int, value: int, entries: int, mapped: bool = False) -> int:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        self.maps[descriptor] = {number: bytes(value) for number in range(entries)}
        return descriptor

    def lookup(self, fd: int, key: int, size: int) -> bytes:
        try:
            return self.maps[self._aliases.get(fd, fd)][key]
        except KeyError:
            raise FileNotFoundError from None

    def update(self, fd: int, key: int, data: bytes) -> None:
        self.maps[self._aliases.get(fd, fd)][key] = data

    def pop(self, fd: int, size: int) -> bytes | None:
        return self.queue.pop(0) if self.queue else None

    def pin(self, descriptor: int, place: Path) -> None:
        kept = os.dup(descriptor) if descriptor > 2 else descriptor
        self.maps[kept] = self.maps[descriptor]
        place.write_text(str(kept))

    def get_pinned(self, place: Path) -> int:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        self._aliases[descriptor] = int(place.read_text())
        return descriptor

    def counted(self, *acts: int, mode: int = ACTS) -> None:
        """Write the counts of acts to KILLS, whose descriptor is 1."""
        entries: dict[int, Any] = {n: KILL.pack(mode, 10, 0, 0, 0, one, 0) for n, one in enumerate(acts, 1)}
        self.maps[1].update({0: KILL.pack(mode, 30, 0, 0, 0, 0, 0), **entries})


OBJECTS = {"KILLS": 1, "DENIALS": 2, "kill_0": 0}


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(monkeypatch)


def test_the_next_run_tells_what_no_run_has_seen(kernel: Kernel, tmp_path: Path) -> None:
    dead = Pins(tmp_path)
    kernel.counted(5, 0)
    dead.place(OBJECTS, RULES, [5, 0])
    kernel.counted(7, 0)
    dead.note([7, 0])
    kernel.counted(10, 3)
    kernel.queue.append(DENIAL.pack(1, 0, 7, 0, 2, 0, 1, 0, 0, 0, b"", b"cat", b"/marked"))

    left = Pins(tmp_path).end_others()

    assert [UnattendedActs("first", "kill", 3), UnattendedActs("second", "deny", 2)] == left.acts
    assert [("second", "deny", "open of /marked")] == [(one.rule, one.responder, one.what) for one in left.denials]
    assert [] == list(tmp_path.iterdir())
    assert [0, 0] == [KILL.unpack(kernel.maps[1][number])[0] for number in (1, 2)]


def test_would_be_acts_of_a_dry_run_are_not_reported(kernel: Kernel, tmp_path: Path) -> None:
    kernel.counted(0, 0)
    Pins(tmp_path).place(OBJECTS, RULES, [0, 0])
    kernel.counted(4, 4, mode=DRY)
    assert [] == Pins(tmp_path).end_others().acts


def test_a_run_leaves_its_own_pins_and_removes_them_at_its_end(kernel: Kernel, tmp_path: Path) -> None:
    kernel.counted(0, 0)
    own = Pins(tmp_path)
    own.place(OBJECTS, RULES, [0, 0])
    own.end_others()
    kept = len(list(tmp_path.glob("*/*")))
    own.remove()
    own.remove()

    assert (len(OBJECTS) + 1, []) == (kept, list(tmp_path.iterdir()))


def test_where_one_cannot_be_pinned_none_is(kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, place: Path) -> None:
        if place.name == "kill_0":
            raise PermissionError(1, "refused")
        kernel.pin(descriptor, place)

    kernel.counted(0, 0)
    monkeypatch.setattr(bpf_syscall, "pin", refuse)
    with pytest.raises(PermissionError):
        Pins(tmp_path).place(OBJECTS, RULES, [0, 0])
    assert [] == list(tmp_path.iterdir())


def test_what_is_left_and_cannot_be_read_is_removed_all_the_same(kernel: Kernel, tmp_path: Path) -> None:
    for name in ("1-1", "2-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kill_0").write_text("0")

    left = Pins(tmp_path).end_others()

    assert ([], [], []) == (left.acts, left.denials, list(tmp_path.iterdir()))
