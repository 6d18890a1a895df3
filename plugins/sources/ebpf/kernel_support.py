"""Visibility on this machine (`mozu sources`): features of its kernel, found without starting the source."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.api import SourceUnavailable, Visibility
from mozu.plugins.sources.ebpf import bpf_syscall, btf, checks, compat, compat_probe, uring
from mozu.plugins.sources.ebpf.objects import codegen, object_file
from mozu.plugins.sources.ebpf.preflight import check_maps
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS

_SWITCHED_OFF: Final = Path("/proc/sys/kernel/io_uring_disabled")
_GETPID: Final = 39
_X32: Final = 1 << 30


def visibility() -> Iterator[Visibility]:
    """Yield the requirements, the entry paths, and the event types by family."""
    yield _needed("machine", checks.check_machine, os.uname().machine)
    yield _needed("capabilities", checks.check_capabilities, "enough to load and attach programs")
    yield _needed("processes older than mozu", checks.check_namespace, "mozu is in the pid namespace of the host")
    yield _needed("kernel programs", lambda: object_file.read(object_file.COPIES), "built with mozu, for any kernel")
    yield _needed("layouts of the kernel (BTF)", lambda: btf.read(()), str(btf.BTF_FILE))
    yield _needed("ring buffer", check_maps, "made for a moment")
    yield _needed("tracepoints (tracefs)", checks.tracefs, "mounted")
    try:
        place = checks.tracefs()
    except SourceUnavailable:
        return
    yield from _entry_paths()
    yield from _families(place)


def _needed(what: str, check: object, good: str) -> Visibility:
    assert callable(check)
    try:
        check()
    except SourceUnavailable as error:
        return Visibility(what, seen=False, why=str(error).removeprefix("source ebpf: "))
    return Visibility(what, seen=True, why=good)


def _entry_paths() -> Iterator[Visibility]:
    if compat_probe.accepted():
        price = "raw tracepoint sys_exit, at a price for every call; `compat32: off` saves it"
        yield Visibility("32-bit calls", seen=True, why=f"{price}; {len(compat.types())} event types")
    else:
        yield Visibility("32-bit calls", seen=True, why="this kernel takes none, so nothing is watched")
    if bpf_syscall.call(_GETPID | _X32) < 0:
        yield Visibility("x32 calls", seen=True, why="this kernel takes none, so nothing is watched")
    else:
        yield Visibility(
            "x32 calls", seen=False, why="this kernel takes them, and syscalls:sys_exit_* do not fire for them"
        )
    try:
        reason = uring.why_not(codegen.read_types())
    except SourceUnavailable as error:
        reason = str(error)
    off = _SWITCHED_OFF.exists() and _SWITCHED_OFF.read_text().strip()
    who = {"1": "; only privileged programs may make rings", "2": "; no program may make rings"}.get(off or "0", "")
    good = f"tracepoints of io_uring; {len(uring.types())} event types{who}"
    yield Visibility("io_uring requests", seen=not reason, why=reason or good)


def _families(place: Path) -> Iterator[Visibility]:
    known: dict[str, list[str]] = defaultdict(list)
    absent: dict[str, list[str]] = defaultdict(list)
    for name, used in PROGRAMS.items():
        if name in ("_fork", "_cgroup"):
            continue
        family = used[-1].family
        found = any(checks.tracepoint_id(place, one.tracepoint, one.group) is not None for one in used)
        (known if found else absent)[family].append(name)
    for family in sorted(known.keys() | absent.keys()):
        names = sorted(known[family])
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        if names:
            yield Visibility(f"events: {family}", seen=True, why=f"{len(names)}: {shown}")
        if absent[family]:
            gone = ", ".join(sorted(absent[family]))
            yield Visibility(f"events: {family}", seen=False, why=f"this kernel has no tracepoint for {gone}")
