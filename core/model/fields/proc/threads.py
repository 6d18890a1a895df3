"""`thread.*`, and how many threads a process has."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.proc.own import TREE
from mozu.core.model.fields.proc.read import of_main, own
from mozu.core.model.syscalls import capability_names

_CAPS: Final = frozenset({"tree", "caps"})
_CGROUPS: Final = frozenset({"tree", "cgroups"})
_COUNTED: Final = frozenset({"tree", "threads"})
_HIDDEN: Final = frozenset({"hidden"})
_NOT_MEASURED: Final = "Always 0: running times are not measured."


def _cgroups(process: Process) -> str | None:
    return " ".join(f"{subsystem}={path}" for subsystem, path in process.cgroups) or None


def _cgroup(argument: str | None, _: str | None) -> Reader:
    return own(lambda process: next((path for name, path in process.cgroups if name == argument), None))


def _is_main(process: Process) -> bool:
    return process.tid == process.pid


def _of_main_only(read: Callable[[Process], int]) -> Reader:
    return own(lambda process: read(process) if _is_main(process) else 0)


def _caps(name: str) -> Reader:
    return own(lambda process: " ".join(capability_names(getattr(process, name))))


def _name_and_tid(event: SyscallEvent) -> str | None:
    return None if event.process is None else f"{event.process.name}{event.tid}"


def _field(
    name: str,
    kind: FieldType,
    doc: str,
    read: Reader | None = None,
    needs: frozenset[str] = TREE,
    traits: frozenset[str] = frozenset(),
) -> Field:
    return Field(name=name, type=kind, doc=doc, read=read, needs=needs, traits=traits)


THREADS: Final[tuple[Field, ...]] = (
    _field(
        "thread.cap_permitted",
        FieldType.STRING,
        "Capabilities that the thread may make effective.",
        _caps("cap_permitted"),
        _CAPS,
    ),
    _field(
        "thread.cap_inheritable",
        FieldType.STRING,
        "Capabilities that can pass on to programs it executes.",
        _caps("cap_inheritable"),
        _CAPS,
    ),
    _field("thread.cap_effective", FieldType.STRING, "Capabilities that count now.", _caps("cap_effective"), _CAPS),
    _field("thread.pfmajor", FieldType.UINT, "Page faults that had to read from disk.", own(lambda p: p.pfmajor)),
    _field("thread.pfminor", FieldType.UINT, "Page faults that did not.", own(lambda p: p.pfminor)),
    Field(name="thread.tid", type=FieldType.INT, doc="Thread id, as the host counts.", read=lambda event: event.tid),
    _field("thread.ismain", FieldType.BOOL, "Whether it is the main thread of its process.", own(_is_main)),
    _field(
        "thread.vtid",
        FieldType.INT,
        "Thread id, as its own pid namespace counts.",
        own(lambda p: None if p.vtid == -1 else p.vtid),
    ),
    _field("thread.nametid", FieldType.STRING, "proc.name and thread id in one word.", _name_and_tid, traits=_HIDDEN),
    _field("thread.exectime", FieldType.RELTIME, _NOT_MEASURED, lambda _: 0),
    _field("thread.totexectime", FieldType.RELTIME, _NOT_MEASURED, own(lambda _: 0)),
    _field(
        "thread.cgroups",
        FieldType.STRING,
        "All cgroups as `controller=path`, separated by blanks.",
        own(_cgroups),
        _CGROUPS,
    ),
    Field(
        name="thread.cgroup",
        type=FieldType.STRING,
        bind=_cgroup,
        argument=Argument.DOTTED,
        needs=_CGROUPS,
        doc="The thread's cgroup path under one controller.",
    ),
    _field(
        "proc.nthreads",
        FieldType.UINT,
        "How many threads of the process live.",
        of_main(lambda p: p.others + (not p.exited)),
        _COUNTED,
    ),
    _field(
        "proc.nchilds",
        FieldType.UINT,
        "How many threads of the process live besides its main thread.",
        of_main(lambda p: p.others),
        _COUNTED,
    ),
    _field("thread.cpu", FieldType.DOUBLE, "Never has a value: processor use is not sampled."),
    _field("thread.cpu.user", FieldType.DOUBLE, "Never has a value: processor use is not sampled."),
    _field("thread.cpu.system", FieldType.DOUBLE, "Never has a value: processor use is not sampled."),
    _field(
        "thread.vmsize",
        FieldType.UINT,
        "Size of the address space, kB; 0 for other than main threads.",
        _of_main_only(lambda p: p.vm_size),
    ),
    _field(
        "thread.vmrss",
        FieldType.UINT,
        "Memory in use, kB; 0 for other than main threads.",
        _of_main_only(lambda p: p.vm_rss),
    ),
    _field(
        "thread.vmsize.b",
        FieldType.UINT,
        "thread.vmsize in bytes.",
        _of_main_only(lambda p: p.vm_size << 10),
        traits=_HIDDEN,
    ),
    _field(
        "thread.vmrss.b",
        FieldType.UINT,
        "thread.vmrss in bytes.",
        _of_main_only(lambda p: p.vm_rss << 10),
        traits=_HIDDEN,
    ),
)
