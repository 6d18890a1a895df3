"""Every program compiles, passes the verifier, and stays small enough to be read."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from mozu.core.abi import limits, spec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.plugins.sources.ebpf import bpf_syscall, wire
from mozu.plugins.sources.ebpf.checks import tracefs, tracepoint_id
from mozu.plugins.sources.ebpf.entry_paths import usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.maps import OUTPUT_INDEX
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS
from tests.support import requirements
from tests.support.split import needs_live

FILES = sorted(wire.SOURCES.rglob("*.[ch]"))


@pytest.fixture(scope="module")
@needs_live
def loader() -> Iterator[Loader]:
    """Yield a loader that has compiled everything and attached nothing."""
    requirements.ebpf()
    made = Loader(1 << 16, usable_entry_paths("on", codegen.read_types()))
    made.prepare(SYSCALL_SPECS)
    yield made
    made.close()


@pytest.mark.ebpf
@pytest.mark.parametrize("name", sorted(SYSCALL_SPECS))
def test_a_program_passes_the_verifier_and_can_be_attached(loader: Loader, name: str) -> None:
    present = [tracepoint_id(tracefs(), p.tracepoint, p.group) for p in PROGRAMS[name]]

    assert loader.attach([name]) == (set() if any(present) else {name})
    loader.detach([name])


@pytest.mark.ebpf
def test_the_verifier_s_own_work_leaves_room(loader: Loader) -> None:
    million = 1_000_000
    assert max(loader.verified().values()) < million // 4


@pytest.mark.ebpf
def test_the_accounts_are_verified_once_and_not_in_each_program(loader: Loader) -> None:
    verified = loader.verified()

    assert verified["mozu_number_exit"] < verified["mozu_output"] // 10


@pytest.mark.ebpf
def test_a_family_is_loaded_for_the_ways_in_that_are_open(loader: Loader) -> None:
    """If one raw tracepoint sees native and 32-bit calls, nothing calls the programs of classic tracepoints."""
    loader.attach(["getuid"])
    number = SYSCALL_SPECS["getuid"].number
    placed = [place for place in (number, OUTPUT_INDEX) if is_placed(loader.maps["TP_PROGS"], place)]
    raw = [place for place in (number, OUTPUT_INDEX) if is_placed(loader.maps["RAW_TP_PROGS"], place)]
    loader.detach(["getuid"])

    assert ([], [number, OUTPUT_INDEX]) == (placed, raw)


def is_placed(array: int, place: int) -> bool:
    """Return True if a program array has a program at this index."""
    try:
        return bool(bpf_syscall.lookup(array, place, 4))
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_names_its_licence_on_its_first_line(file: object) -> None:
    assert "SPDX-License-Identifier:" in file.read_text().splitlines()[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", sorted((wire.SOURCES / "programs").iterdir()), ids=lambda file: file.name)
def test_a_program_s_file_is_short(file: object) -> None:
    assert len(file.read_text().splitlines()) <= 120  # type: ignore[attr-defined]


def test_numbers_of_types_are_the_same_on_both_sides() -> None:
    text = (wire.SOURCES / "mozu.h").read_text()

    found = dict(re.findall(r"(TYPE_\w+|NUMBERS_END) = (\d+)", text))
    names = {
        "FORK": "_fork", "EXIT": "procexit", "SIGNAL": "signaldeliver", "SWITCH": "switch", "FAULT": "page_fault",
        "CGROUP": "_cgroup",
    }  # fmt: skip
    numbers = {f"TYPE_{name}": SYSCALL_SPECS[kind].number for name, kind in names.items()}
    assert found == {name: str(number) for name, number in {**numbers, "NUMBERS_END": NUMBERS_END}.items()}


@pytest.mark.parametrize("module", [limits, spec])
def test_limits_and_places_of_arguments_are_the_same_on_both_sides(module: ModuleType) -> None:
    text = "\n".join(file.read_text() for file in FILES)

    found = {name: int(value) for name, value in re.findall(r"#define (\w+) \(?(-?\d+)\)?", text)}
    shared = {name: value for name, value in vars(module).items() if name in found}
    assert shared == {name: found[name] for name in shared}
    assert len(shared) > 4


def test_every_family_is_the_file_of_its_name() -> None:
    families = {program.family for programs in PROGRAMS.values() for program in programs}

    others = {"native", "calls", "uring", "selftest", "output", "subprograms", "sharers"}
    others |= {"filter_parts", "kill_parts", "deny_parts"}
    assert {file.stem for file in (wire.SOURCES / "programs").iterdir()} == families | others
