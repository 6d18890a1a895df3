"""Ability of the source `ebpf` to see this machine, found without starting it (obstacles to a start, capabilities that
it uses, features of the kernel for `mozu sources`), and while it runs (the probe, see `MakesProbes`).

The probe is a child of mozu that ends at once, whose procexit must arrive. procexit is always watched and never
filtered in the kernel; mozu's own events are, but a child is another process. It executes nothing, so that no rule
about programs can match.
"""

import os
import secrets
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mozu.core.api import Privilege, SourceUnavailable, Visibility
from mozu.core.model.event import Event, SyscallEvent
from mozu.plugins.sources.ebpf import bpf_syscall, btf, checks, entry_paths, uring
from mozu.plugins.sources.ebpf.checks import clause
from mozu.plugins.sources.ebpf.objects import codegen, object_file
from mozu.plugins.sources.ebpf.objects.kernel_structs import KernelLayout
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS

_NO_START = "the source cannot start"


def problem(btf_file: Path = btf.BTF_FILE) -> str | None:
    """Return the reason for which the source would not start, in one sentence; None if none is known. Nothing is loaded
    or attached."""
    try:
        checks.check_machine()
        checks.check_capabilities()
        KernelLayout(codegen.read_types(btf_file))
        object_file.read(object_file.COPIES)
        check_maps()
        checks.tracefs()
    except SourceUnavailable as error:
        return str(error).removeprefix("source ebpf: ")
    return None


def check_maps() -> None:
    """Create a ring buffer and close it again. Raises SourceUnavailable."""
    try:
        os.close(bpf_syscall.create_map(bpf_syscall.RINGBUF, "mozu_preflight", key=0, value=0, entries=4096))
    except OSError as error:
        raise SourceUnavailable(f"source ebpf: the kernel gives no ring buffer ({error}){clause(error)}") from error


def privileges() -> Iterator[Privilege]:
    """Yield the privileges that docs/operate/privileges.md lists for the source."""
    yield Privilege(
        capability="CAP_BPF", required=True, purpose="load programs into the kernel, make maps", without=_NO_START
    )
    yield Privilege(
        capability="CAP_PERFMON", required=True, purpose="attach programs to tracepoints, read kernel memory in them",
        without=_NO_START,
    )  # fmt: skip
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH", required=True, purpose="read the tracepoints' numbers in tracefs",
        without=_NO_START,
    )  # fmt: skip


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
    if entry_paths.accepts_32_bit_calls():
        price = "raw tracepoint sys_exit, at a price for every call; `compat32: off` saves it"
        yield Visibility("32-bit calls", seen=True, why=f"{price}; {len(entry_paths.compat_types())} event types")
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


def fork_probe(own_pid: int) -> Callable[[Event], bool]:
    """Fork; return a function that recognises the child's procexit. `own_pid`: mozu's process id as seen by the
    kernel's programs.

    In a pid namespace of its own mozu does not know the child's pid there: then the exit code, which is random,
    identifies it. Raises OSError if the kernel makes no more processes.
    """
    code = secrets.randbelow(255) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forks beside threads: the child only exits
        child = os.fork()
    if child == 0:
        os._exit(code)
    threading.Thread(target=os.waitpid, args=(child, 0), name="mozu-probe", daemon=True).start()
    wanted = child if own_pid == os.getpid() else None

    def recognises(event: Event) -> bool:
        if event.type != "procexit" or not isinstance(event, SyscallEvent):
            return False
        return event.args[1] == code and wanted in (None, event.pid)

    return recognises
