"""Conditions for arming the rules of a source: their programs are in place, and responses are on; without a kernel."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from mozu.core.api import KernelKill, KernelKills, UnattendedActs
from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import Formula
from mozu.core.testing import context
from mozu.plugins.sources.ebpf.acts import in_kernel
from mozu.plugins.sources.ebpf.acts.in_kernel import InKernel, Left
from mozu.plugins.sources.ebpf.kernel_filter.kill import KillFunction
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.loader_thread import LoaderThread
from mozu.plugins.sources.ebpf.maps import DENIAL, MAX_SPARED
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from tests.plugins.sources.test_ebpf_kill_programs import MAPS, Maps

ACTS = 2
"""Value of KILL_ACTS."""


class NoFiles:
    """Map of files that rules name, for rules that name none."""

    def use(self, files: Mapping[tuple[int, int], str]) -> None:
        assert not files

    def restore(self) -> bool:
        return False


class Placing:
    """Loader that refuses the programs of these types."""

    maps: Mapping[str, int] = MAPS
    ends_sharers = False
    named_files = NoFiles()

    def __init__(self, **refused: str) -> None:
        self._refused = refused
        self.placed: list[set[str]] = []
        self.denying: list[set[str]] = []

    def set_kills(self, functions: Mapping[str, KillFunction]) -> Mapping[str, str]:
        self.placed.append(set(functions))
        return self._refused

    def set_denials(self, functions: Mapping[str, RelocatableCode]) -> Mapping[str, str]:
        self.denying.append(set(functions))
        return {}

    def what_acts(self) -> Mapping[str, int]:
        return {}


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> Maps:
    return Maps(monkeypatch)


def kills(path: str = "/marked", **changes: Any) -> KernelKills:
    condition: Formula = compare("fd.realpath", "=", (path,))
    return KernelKills((KernelKill("rule", "kill", {"openat": condition}, dry_run=False),), **changes)


def update(found: InKernel, loader: Placing) -> None:
    async def main() -> None:
        thread = LoaderThread()
        await thread.make(lambda: cast("Loader", loader))
        await found.update(cast("Loader", loader), thread)

    asyncio.run(main())


def modes(maps: Maps) -> list[int]:
    return [mode for mode, _ in maps.modes()[1:]]


def test_a_rule_is_armed_once_its_program_is_in_place(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills())
    before = modes(maps)
    update(found, loader)

    assert ([], [ACTS], [{"openat"}]) == (before, modes(maps), loader.placed)


def test_without_kill_rules_no_program_is_asked_for(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    update(found, loader)

    assert ([], []) == (loader.placed, modes(maps))


def denying(path: str) -> KernelKills:
    condition: Formula = compare("fd.realpath", "=", (path,))
    predicates = dict.fromkeys(("open", "openat", "openat2", "creat"), condition)
    return KernelKills((KernelKill(f"of {path}", "deny", predicates, dry_run=False, action="deny"),))


def test_a_deny_rule_has_a_program_at_a_hook_and_none_at_a_call(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(denying("/marked"))
    update(found, loader)

    assert ([set()], [{"file_open"}], [ACTS]) == (loader.placed, loader.denying, modes(maps))


def test_a_denial_is_reported_by_the_rule_that_was_in_force(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(denying("/marked"))
    update(found, loader)
    maps.queue.append(DENIAL.pack(1, 0, 7, 0, 1, 0, 1, 0, 0, 0, b"", b"cat", b"/marked"))
    found.use(denying("/other"))
    update(found, loader)
    reported = [one.rule for one in found.take_denials()]

    assert (["of /marked"], []) == (reported, found.take_denials())


def test_the_switch_disarms_at_once_and_arms_again_what_is_in_place(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills())
    update(found, loader)
    found.use(kills(off=True))
    off = modes(maps)
    found.use(kills())

    assert ([0], [ACTS], 1) == (off, modes(maps), len(loader.placed))


def test_what_is_off_at_the_start_is_in_place_when_it_is_switched_on(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills(off=True))
    update(found, loader)
    off = modes(maps)
    found.use(kills())

    assert ([], [ACTS]) == (off, modes(maps))


def test_other_rules_wait_for_their_programs_and_the_old_ones_act_no_more(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills())
    update(found, loader)
    found.use(kills("/other"))
    waiting = modes(maps)
    update(found, loader)

    assert ([0], [ACTS]) == (waiting, modes(maps))


def test_rules_that_are_gone_leave_no_program(maps: Maps) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills())
    update(found, loader)
    found.use(KernelKills())
    update(found, loader)

    assert ([{"openat"}, set()], [0]) == (loader.placed, modes(maps))


@pytest.mark.parametrize("refusal", ["programs", "spared"])
def test_what_the_kernel_cannot_do_is_said(maps: Maps, caplog: pytest.LogCaptureFixture, refusal: str) -> None:
    found = InKernel(context())
    spared = dict.fromkeys(range(MAX_SPARED + 1), 0) if refusal == "spared" else {}
    found.use(kills(spared_pids=spared))
    update(found, Placing(openat="too long") if refusal == "programs" else Placing())

    expected = {
        "programs": "the kernel kills at no openat: too long; mozu does",
        "spared": f"the kernel enforces no kill rule: {MAX_SPARED + 1} processes and executables are spared",
    }
    assert expected[refusal] in caplog.text


def test_counts_stay_when_the_maps_are_closed(maps: Maps) -> None:
    found = InKernel(context())
    found.use(kills())
    update(found, Placing())
    maps.content[MAPS["KILLS"]][1] = struct.pack("<IIQIIQQ", ACTS, 10, 0, 0, 0, 4, 5)
    found.close()
    maps.content.clear()

    assert (4, 5) == found.counts()


class Pinning:
    """Pins that record the requests."""

    def __init__(self, said: list[str], left: Left) -> None:
        self._said, self._left = said, left

    def place(self, objects: Mapping[str, int], rules: Sequence[KernelKill], acts: Sequence[int]) -> None:
        self._said.append(f"place {len(rules)}")

    def remove(self) -> None:
        self._said.append("remove")

    def note(self, acts: Sequence[int]) -> None:
        self._said.append(f"note {list(acts)}")

    def end_others(self) -> Left:
        self._said.append("end others")
        return self._left


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    left = Left([UnattendedActs("rule", "kill", 2)], [])
    monkeypatch.setattr(in_kernel, "Pins", lambda folder: Pinning(found, left))
    return found


def test_what_is_armed_is_pinned_before_what_an_earlier_run_left_is_ended(maps: Maps, said: list[str]) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills(goes_on=True, pins="/pins"))
    update(found, loader)

    assert ["remove", "place 1", "end others"] == said
    assert [UnattendedActs("rule", "kill", 2)] == found.take_unattended()
    assert [] == found.take_unattended()


def test_the_switch_and_an_orderly_end_leave_nothing_pinned(maps: Maps, said: list[str]) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills(goes_on=True, pins="/pins"))
    update(found, loader)
    said.clear()
    found.use(kills(goes_on=True, pins="/pins", off=True))
    found.use(kills(goes_on=True, pins="/pins"))
    found.close()

    assert ["remove", "end others", "remove", "place 1", "end others", "remove"] == said


def test_without_the_setting_nothing_is_pinned_and_what_was_left_is_ended(maps: Maps, said: list[str]) -> None:
    found, loader = InKernel(context()), Placing()
    found.use(kills(pins="/pins"))
    update(found, loader)
    assert ["remove", "end others"] == said
