"""The programs of kill rules, and the entries that arm them; without a kernel."""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import pytest

from mozu.core.api import KernelKill, KernelKills
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.acts.kill_programs import PARTS, KillArms, KillPrograms, TooManySpared, spared_of
from mozu.plugins.sources.ebpf.bpf_syscall import RAW_TRACEPOINT, TRACEPOINT
from mozu.plugins.sources.ebpf.kernel_filter.kill import KillFunction
from mozu.plugins.sources.ebpf.maps import KILL, MAX_SPARED, SPARED_KEY
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, Loaded, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

KILLS, SPARED, DENIALS = 1, 2, 3
MAPS = {"KILLS": KILLS, "KILL_SPARED": SPARED, "DENIALS": DENIALS}
KINDS = (TRACEPOINT, RAW_TRACEPOINT)


class Maps:
    """Content of the maps: descriptor → key → value."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.content: dict[int, dict[Any, bytes]] = defaultdict(dict)
        self.queue: list[bytes] = []
        for name in ("lookup", "update", "update_many", "delete", "delete_key", "pop"):
            monkeypatch.setattr(bpf_syscall, name, vars(type(self))[name].__get__(self))

    def lookup(self, fd: int, key: int, size: int) -> bytes:
        return self.content[fd].get(key, bytes(size))

    def update(self, fd: int, key: int, data: bytes) -> None:
        self.content[fd][key] = data

    def update_many(self, fd: int, entries: Mapping[bytes, bytes]) -> None:
        self.content[fd].update(entries)

    def delete(self, fd: int, key: int) -> None:
        self.content[fd].pop(key, None)

    def delete_key(self, fd: int, key: bytes) -> None:
        self.content[fd].pop(key, None)

    def pop(self, fd: int, size: int) -> bytes | None:
        assert fd == DENIALS
        return self.queue.pop(0) if self.queue else None

    def modes(self) -> list[tuple[int, ...]]:
        """Return (mode, per_minute) by number of the rule."""
        return [KILL.unpack(self.content[KILLS][key])[:2] for key in sorted(self.content[KILLS])]


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> Maps:
    return Maps(monkeypatch)


class Code:
    """Loader of all programs but those with these names."""

    def __init__(self, *refused: str) -> None:
        self._refused, self.parts = refused, list[Sequence[str]]()

    def load_filter(self, code: RelocatableCode, kinds: Collection[int], parts: Sequence[str]) -> Loaded:
        if code.name in self._refused:
            raise FilterRefused("too long")
        self.parts.append(parts)
        return {(code.name, kind): 1000 + kind for kind in kinds}


def programs(code: Code) -> KillPrograms:
    return KillPrograms(cast("ProgramCode", code), KINDS)


def function(name: str) -> KillFunction:
    return KillFunction(RelocatableCode(name, b""))


def kills(*rules: KernelKill, spared: frozenset[int] = frozenset()) -> KernelKills:
    return KernelKills(rules, per_minute=30, spared_pids=dict.fromkeys(spared, 5))


def test_a_rule_acts_or_would_by_its_mode_and_none_does_once_it_is_disarmed(maps: Maps) -> None:
    arms = KillArms(MAPS)
    arms.arm(kills(KernelKill("a", "kill", {}, dry_run=False), KernelKill("b", "kill", {}, per_minute=3)))
    armed = maps.modes()
    arms.disarm()

    assert [(0, 30), (2, 10), (1, 3)] == armed
    assert [(0, 30), (0, 0), (0, 0)] == maps.modes()


def test_what_was_spent_and_counted_stays_when_rules_are_armed_again(maps: Maps) -> None:
    arms = KillArms(MAPS)
    arms.arm(kills(KernelKill("a", "kill", {})))
    maps.content[KILLS][1] = KILL.pack(1, 10, 5, 6, 0, 7, 8)
    arms.disarm()
    arms.arm(kills(KernelKill("a", "kill", {})))

    assert (1, 10, 5, 6, 0, 7, 8) == KILL.unpack(maps.content[KILLS][1])
    assert (7, 8) == arms.counts()


def test_who_is_spared_no_longer_is_taken_out(maps: Maps) -> None:
    arms = KillArms(MAPS)
    arms.arm(kills(spared=frozenset((7, 8))))
    arms.arm(kills(spared=frozenset((8, 9))))

    assert {SPARED_KEY.pack(pid, 0, 1) for pid in (8, 9)} == set(maps.content[SPARED])


def test_a_process_is_spared_with_its_start(maps: Maps) -> None:
    KillArms(MAPS).arm(KernelKills(spared_pids={7: 1_230_000_000}, spared_users=frozenset((9,))))

    assert {(7, 0, 1): 123, (9, 0, 2): 0} == {
        SPARED_KEY.unpack(key): int.from_bytes(start, "little") for key, start in maps.content[SPARED].items()
    }


def test_an_executable_is_spared_by_its_device_too_with_the_user_that_may_run_it(maps: Maps) -> None:
    KillArms(MAPS).arm(KernelKills(spared_executables={(0x800001, 5): 0, (0x800002, 5): 100}))

    assert {(5, 0x800001, 3): 0, (5, 0x800002, 3): 100} == {
        SPARED_KEY.unpack(key): int.from_bytes(user, "little") for key, user in maps.content[SPARED].items()
    }


def test_processes_users_and_executables_of_one_number_have_keys_of_their_own() -> None:
    spared = KernelKills(spared_pids={5: 0}, spared_users=frozenset((5,)), spared_executables={(0, 5): 0})

    assert 3 == len(spared_of(spared))


def test_nothing_is_armed_where_not_all_can_be_spared(maps: Maps) -> None:
    arms = KillArms(MAPS)
    with pytest.raises(TooManySpared):
        arms.arm(kills(KernelKill("a", "kill", {}, dry_run=False), spared=frozenset(range(MAX_SPARED + 1))))

    assert [] == [mode for mode, _ in maps.modes() if mode]


def test_a_program_is_loaded_for_all_entry_paths_and_one_of_an_exec_for_its_tracepoint() -> None:
    code = Code()
    found = programs(code)
    assert {} == found.load({"openat": function("kill_1"), "execve": function("kill_2")})

    assert [TRACEPOINT, RAW_TRACEPOINT] == [found.descriptor(function("kill_1"), kind) - 1000 for kind in KINDS]
    assert RAW_TRACEPOINT == found.descriptor(function("kill_2"), RAW_TRACEPOINT) - 1000
    assert [PARTS, PARTS] == code.parts
    with pytest.raises(KeyError):
        found.descriptor(function("kill_2"), TRACEPOINT)


def test_what_is_used_no_longer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    monkeypatch.setattr(os, "close", closed.append)
    found = programs(Code())
    found.load({"openat": function("kill_1"), "open": function("kill_2")})
    found.keep_only([function("kill_2")])

    assert [1000 + TRACEPOINT, 1000 + RAW_TRACEPOINT] == closed


def test_the_table_says_whether_sharers_are_ended(maps: Maps) -> None:
    arms = KillArms(MAPS)
    arms.arm(kills(), ends_sharers=True)

    assert [(2, 30)] == maps.modes()


def test_a_program_that_the_kernel_refuses_is_named_with_the_reason(maps: Maps) -> None:
    assert {"openat": "too long"} == programs(Code("kill_1")).load({"openat": function("kill_1")})
