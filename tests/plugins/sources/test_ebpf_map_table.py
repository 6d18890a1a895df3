"""docs/operate/kernel-maps.md names every map of the kernel programs, with its kind and its bound."""

import re
from pathlib import Path
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import bpf_syscall, maps, wire
from tests.support.requirements import ROOT

_KINDS: Final = {
    bpf_syscall.RINGBUF: "ring buffer", bpf_syscall.ARRAY: "array", bpf_syscall.PERCPU_ARRAY: "array per CPU",
    bpf_syscall.HASH: "hash", bpf_syscall.LRU_HASH: "least recently used", bpf_syscall.QUEUE: "queue",
    bpf_syscall.PROG_ARRAY: "program array",
}  # fmt: skip
_SHARED: Final = frozenset({bpf_syscall.RINGBUF, bpf_syscall.HASH, bpf_syscall.LRU_HASH, bpf_syscall.QUEUE})
"""Kinds whose entries come and go: their bounds are in the table."""
_OWN: Final = frozenset({"COMM_VERDICTS", "KILL_SPARED", "NAMED_FILES"})
"""Maps that user space alone fills."""


def rows() -> dict[str, list[str]]:
    """Return map → cells of its row behind its name."""
    lines = (ROOT / "docs" / "operate" / "kernel-maps.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    names = [first.strip("`") for first, *_ in cells]
    assert len(names) == len(set(names))
    return {name: rest for name, (_, *rest) in zip(names, cells, strict=True)}


def used_in(path: Path) -> set[str]:
    """Return the maps that a C file names."""
    text = path.read_text()
    return set(re.findall(r"\b(?:MAP|LOOKUP)\((\w+)", text)) - {"name", "PROGS"}


def test_every_map_that_a_program_uses_is_listed() -> None:
    used = set().union(*(used_in(path) for path in wire.SOURCES.rglob("*.[ch]")))
    assert used
    assert used <= rows().keys()


def test_every_map_that_is_made_is_listed_and_no_other() -> None:
    assert set(maps.MAPS) == rows().keys()


@pytest.mark.parametrize("name", sorted(maps.MAPS))
def test_the_table_says_the_kind_and_the_bound_of_a_map(name: str) -> None:
    kind, _, _, entries = maps.definitions(1 << 20, requests=True)[name]
    listed = rows()[name][0]

    assert listed == _KINDS[kind] or listed.startswith(f"{_KINDS[kind]}, ")
    if kind in _SHARED - {bpf_syscall.RINGBUF}:
        assert listed == f"{_KINDS[kind]}, {entries}"


def test_the_table_says_what_happens_when_a_map_is_full_for_which_processes_compete() -> None:
    for name, (kind, *_) in maps.definitions(1 << 20, requests=True).items():
        if kind in _SHARED and name not in _OWN:
            _, _, full, whom = rows()[name]
            assert full, name
            assert whom, name


def test_no_map_that_processes_compete_for_evicts_what_is_not_found_out_anew() -> None:
    made = maps.definitions(1 << 20, requests=True)
    evicting = {name for name, (kind, *_) in made.items() if kind == bpf_syscall.LRU_HASH}

    assert evicting == {"PROC_COMM_VERDICTS", "TASK_VERSIONS", "JUDGED_CALLS", "CALLER_CLASSES"}
