"""Loading of kernel filters: each by itself, except those that the kernel refuses; without a kernel."""

import os
from collections.abc import Collection, Mapping
from typing import cast

import pytest

from mozu.core.filter.formula import Formula
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction
from mozu.plugins.sources.ebpf.kernel_filter.check import ProcessCheck
from mozu.plugins.sources.ebpf.kernel_filter.filter_programs import FilterPrograms
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, Loaded, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

KINDS = [bpf_syscall.TRACEPOINT, bpf_syscall.RAW_TRACEPOINT]


class PickyCode:
    """Loader of all programs but those with these names; a descriptor is a number that nothing else has."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused
        self.loaded: list[str] = []

    def load_filter(self, code: RelocatableCode, kinds: Collection[int], *, maps: Mapping[str, int]) -> Loaded:
        assert not maps
        if code.name in self._refused:
            raise FilterRefused(f"{code.name} is too long")
        self.loaded.append(code.name)
        return {(code.name, kind): 1000 * len(self.loaded) + kind for kind in kinds}


def function(name: str, wanted: Formula | None = None) -> FilterFunction:
    return FilterFunction(wanted or ProcessCheck(0), RelocatableCode(name, b""))


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(os, "close", found.append)
    return found


def programs(code: PickyCode) -> FilterPrograms:
    return FilterPrograms(cast("ProgramCode", code), KINDS)


def test_calls_with_the_same_filter_share_its_programs() -> None:
    code = PickyCode()
    found = programs(code).load({"open": function("a"), "openat": function("a"), "creat": function("b")})

    assert ["a", "b"] == code.loaded
    assert {"open", "openat", "creat"} == set(found.usable)
    assert {} == found.refused


def test_one_that_the_kernel_refuses_leaves_its_own_calls_without_a_filter() -> None:
    found = programs(PickyCode("a")).load({"open": function("a"), "openat": function("a"), "creat": function("b")})

    assert {"creat"} == set(found.usable)
    assert dict.fromkeys(("open", "openat"), "a is too long") == found.refused


def test_messages_are_filtered_alike_or_not_at_all() -> None:
    """The state learns the peer of a socket from messages."""
    functions = {"sendto": function("a"), "sendmsg": function("b"), "openat": function("c")}

    found = programs(PickyCode("a")).load(functions)

    assert {"openat"} == set(found.usable)
    assert {"sendto", "sendmsg"} == set(found.refused)


def test_what_is_loaded_is_not_loaded_again_and_what_is_no_longer_used_is_closed(closed: list[int]) -> None:
    code = PickyCode()
    filters = programs(code)
    filters.load({"open": function("a")})
    filters.load({"open": function("a"), "creat": function("b")})
    assert ["a", "b"] == code.loaded
    kept = [filters.descriptor(function("b"), kind) for kind in KINDS]

    filters.keep_only([function("b")])

    assert 2 == len(closed)
    assert kept == [filters.descriptor(function("b"), kind) for kind in KINDS]
    filters.keep_only(())
    assert sorted(closed[2:]) == sorted(kept)
