"""Compilation of every program of this kernel ahead of time, and checks of a bundle's content."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import btf, compat, uring
from mozu.plugins.sources.ebpf.cache_entry import CacheEntry
from mozu.plugins.sources.ebpf.code_cache import CodeCache
from mozu.plugins.sources.ebpf.codegen import (
    DENY_PARTS,
    KILL_PARTS,
    OUTPUT,
    PARTS,
    SELFTEST,
    SYS_EXIT,
    part_unit,
    program_unit,
)
from mozu.plugins.sources.ebpf.maps import make_maps
from mozu.plugins.sources.ebpf.program_code import ProgramCode
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS, Program

_RING: Final = 1 << 16
"""Bytes of the ring buffer with which the programs are loaded; none is attached."""


def every_program(types: btf.Btf) -> dict[str, Program]:
    """Return all programs that this kernel can have, by entry."""
    found = [SYS_EXIT, SELFTEST, OUTPUT, compat.PROGRAM]
    found += [program for name in SYSCALL_SPECS for program in PROGRAMS[name]]
    if not uring.why_not(types):
        found += uring.programs(types)
    return {program.entry: program for program in found}


def build(types: btf.Btf, cache: CodeCache) -> str:
    """Put every program into the cache; return a text with their origins. Raises SourceUnavailable."""
    with _program_code(types, cache) as code:
        code.compile(every_program(types).values())
        code.subprograms(parts=(*PARTS, *KILL_PARTS, *DENY_PARTS))
        return code.supply.origin


def usable_entries(types: btf.Btf, cache: CodeCache) -> list[CacheEntry]:
    """Return the entries of the cache that this mozu would load on this machine. Raises OSError and Untrusted."""
    wanted = _keys(types, cache)
    return [
        file.entry
        for file in cache.files()
        if file.entry is not None and not file.problem and file.entry.key in wanted
    ]


def check(types: btf.Btf, cache: CodeCache, entries: Sequence[CacheEntry]) -> None:
    """Check that these are programs of this mozu for this kernel, and that its verifier accepts them.

    A subprogram is verified with the filter that it is linked to. Raises SourceUnavailable.
    """
    wanted, programs = _keys(types, cache), every_program(types)
    with _program_code(types, None) as code:
        for entry in entries:
            name = entry.code.name
            if problem := cache.foreign(entry):
                raise SourceUnavailable(f"source ebpf: the bundle is not for this machine: {problem}")
            if wanted.get(entry.key) != name:
                raise SourceUnavailable(
                    f"source ebpf: the bundle is of another version of mozu: its {name} is made from other sources"
                )
            if name in programs:
                code.verify(programs[name], entry.code)


def _keys(types: btf.Btf, cache: CodeCache) -> dict[bytes, str]:
    """Return the entries of all programs and subprograms in every variant, by key."""
    units = [program_unit(program) for program in every_program(types).values()]
    units += map(part_unit, (*PARTS, *KILL_PARTS, *DENY_PARTS))
    with _program_code(types, None) as code:
        return {cache.key(digest): unit.entry for unit in units for digest in code.digests(unit)}


@contextlib.contextmanager
def _program_code(types: btf.Btf, cache: CodeCache | None) -> Iterator[ProgramCode]:
    maps = make_maps(_RING, requests=False)
    try:
        code = ProgramCode(maps, types, cache)
        try:
            yield code
        finally:
            code.close()
    finally:
        for fd in maps.values():
            os.close(fd)
