"""The fields `proc.*` of the process itself: program, arguments, file, start."""

from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.model.event import File, Process, SyscallEvent, byte_length
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.fields.dependency import EVERYTHING, EXEC_INVARIANT, Dependency
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.proc.pipes import PIPED
from mozu.core.model.fields.proc.read import UNSIGNED, dated, of_main, own
from mozu.core.model.fields.proc.trusted import trusted_name_of

TREE: Final = frozenset({"tree"})
_NAMESPACES: Final = frozenset({"tree", "cgroups", "namespaces"})
_ENV: Final = frozenset({"tree", "env"})
_CWD: Final = frozenset({"tree", "cwd"})
_FDS: Final = frozenset({"tree", "fds", "files"})
_STDIO: Final = frozenset({"tree", "stdio"})
_BY_CLOCK: Final = frozenset({Dependency.PROCESS, Dependency.CLOCK})
_BY_TABLE: Final = frozenset({Dependency.PROCESS, Dependency.DESCRIPTORS})
_WRITABLE, _UPPER, _MEMFD, _LOWER = 1, 2, 4, 8
"""Bits of `Process.exe_flags`."""


def cmdline(process: Process) -> str:
    """Return the name of the program and its arguments."""
    return " ".join((process.name, *process.args))


def args(process: Process) -> str:
    """Return all arguments as one text."""
    return " ".join(process.args)


def exeline(process: Process) -> str:
    """Return argv as one text."""
    return f"{process.exe} {' '.join(process.args)}"


def whole_env(process: Process) -> str | None:
    """Return all variables as one text; None if the environment is not known."""
    return None if process.env is None else " ".join(process.env)


class _Environments:
    """The text of the environment that was asked about last: rules ask an exec for many variables, one after the
    other."""

    def __init__(self) -> None:
        self._latest: tuple[Sequence[str], str] = ((), "")
        """Environment and text, replaced together, so that a thread sees a consistent pair."""

    def text(self, env: Sequence[str]) -> str:
        """Return all entries joined."""
        latest = self._latest
        if latest[0] is not env:
            self._latest = latest = (env, "".join(env))
        return latest[1]


_environments = _Environments()


def env_value(process: Process, name: str) -> str | None:
    """Return one variable, without blanks around it; empty if it is not set, None if the environment is not known."""
    if process.env is None:
        return None
    start = f"{name}="
    if start not in _environments.text(process.env):  # most variables that rules name are set nowhere
        return ""
    for entry in process.env:
        if entry.startswith(start) and len(entry) > len(start):
            return entry[len(start) :].strip(" ")
    return ""


def _args(argument: str | None, _: str | None) -> Reader:
    if argument is None:
        return own(args)
    index = int(argument)
    return own(lambda process: process.args[index] if index < len(process.args) else "")


def _env(argument: str | None, _: str | None) -> Reader:
    if argument is None or argument.isdigit():
        return of_main(whole_env)
    return of_main(lambda process: env_value(process, argument))


def _age(process: Process, event: SyscallEvent) -> int | None:
    return event.age(process.start, process) & UNSIGNED if process.start else None


def _namespaces(process: Process) -> str:
    return ",".join(name for name, flag in NAMESPACES.items() if process.namespaces & flag)


def _is_sandboxed(process: Process) -> bool:
    return process.container is None and process.namespaces != 0


def _flag(bit: int) -> Reader:
    return own(lambda process: process.exe_flags & bit != 0)


def _number(name: str) -> Callable[[Process], int | None]:
    """Return a reader of a number; zero stands for a value that is not known."""

    def read(process: Process) -> int | None:
        value: int = getattr(process, name)
        return value & UNSIGNED if value else None

    return read


def _descriptor(fd: int, read: Callable[[File], str]) -> Reader:
    def reader(process: Process, event: SyscallEvent) -> str | None:
        file = process.file_at(fd, event.num)
        return None if file is None else read(file)

    return dated(reader)


def open_count(process: Process, event: SyscallEvent) -> int:
    """Return the number of known descriptors of a process at the event."""
    files = process.files
    return len(files.all_at(event.num)) if files.has_history else len(files)


def _usage(process: Process, event: SyscallEvent) -> float:
    limit = process.main_at(event.num).fdlimit
    return min(100.0, open_count(process, event) * 100 / limit) if limit > 0 else 0.0


def _field(
    name: str,
    kind: FieldType,
    doc: str,
    read: Reader,
    needs: frozenset[str] = TREE,
    bits: int = 64,
    depends: frozenset[Dependency] = EVERYTHING,
) -> Field:
    return Field(name=name, type=kind, doc=doc, read=read, needs=needs, bits=bits, depends=depends)


def _exec_invariant(name: str, doc: str, read: Reader, kind: FieldType = FieldType.STRING) -> Field:
    """Return a field that keeps its value until the next exec."""
    return Field(name=name, type=kind, doc=doc, read=read, needs=TREE, depends=EXEC_INVARIANT)


_NAMESPACE_FIELDS: Final = (
    _field(
        "proc.is_sandboxed",
        FieldType.BOOL,
        "Whether it has namespaces of its own though it is in no container: bubblewrap, unshare, systemd. Mozu's own.",
        own(_is_sandboxed),
        _NAMESPACES,
        depends=frozenset({Dependency.PROCESS, Dependency.CGROUP}),
    ),
    _field(
        "proc.namespaces",
        FieldType.STRING,
        "Its namespaces that are not the host's, of ipc, mnt, net, pid and user, joined by commas. Mozu's own.",
        own(_namespaces),
        _NAMESPACES,
    ),
)

_STANDARD: Final = tuple(
    field
    for fd, name in enumerate(("stdin", "stdout", "stderr"))
    for field in (
        _field(
            f"proc.{name}.type",
            FieldType.STRING,
            f"What the process's {name} is, in the words of fd.type.",
            _descriptor(fd, lambda file: "<NA>" if file.kind == "unknown" else file.kind),
            _STDIO,
            depends=_BY_TABLE,
        ),
        _field(
            f"proc.{name}.name",
            FieldType.STRING,
            f"What the process's {name} leads to, as fd.name would say.",
            _descriptor(fd, lambda file: file.name),
            _STDIO,
            depends=_BY_TABLE,
        ),
    )
)

OWN: Final[tuple[Field, ...]] = (
    _exec_invariant("proc.exe", "The first word of the command line, as exec was given it.", own(lambda p: p.exe)),
    _exec_invariant(
        "proc.exepath", "Absolute path of the program's file, symlinks followed.", own(lambda p: p.exepath)
    ),
    _exec_invariant("proc.name", "Name of the program: its file's name, cut to 15 bytes.", own(lambda p: p.name)),
    _field(
        "proc.trusted_name",
        FieldType.STRING,
        "Name of the program's file, or of the script that it runs, cut to 15 bytes, if that lies where packages put "
        "it (/usr, /bin, /opt …), in no container's writable layer and in no mount or user namespace that another user "
        "made, and it is root's and neither its group nor others may write it (or it is an image's), and its "
        "environment loads no other code; mozu's own.",
        own(trusted_name_of),
        _ENV,
        depends=EXEC_INVARIANT,
    ),
    Field(
        name="proc.args",
        type=FieldType.STRING,
        bind=_args,
        argument=Argument.INDEX_OPTIONAL,
        needs=TREE,
        depends=EXEC_INVARIANT,
        doc="The arguments behind the first word, joined by blanks; with an index that one argument, counted from 0.",
    ),
    _exec_invariant("proc.cmdline", "The program's name and its arguments, joined by blanks.", own(cmdline)),
    _exec_invariant(
        "proc.cmdnargs", "How many arguments follow the first word.", own(lambda p: len(p.args)), FieldType.UINT
    ),
    _exec_invariant(
        "proc.cmdlenargs",
        "Length of all arguments together, in bytes, without what separates them.",
        own(lambda p: sum(map(byte_length, p.args))),
        FieldType.UINT,
    ),
    _exec_invariant("proc.exeline", "The whole command line: first word, a blank, arguments.", own(exeline)),
    Field(
        name="proc.env",
        type=FieldType.STRING,
        bind=_env,
        argument=Argument.KEY_OPTIONAL,
        needs=_ENV,
        doc="The environment as one text, or the value of the variable in brackets (empty if it is not set).",
    ),
    _field(
        "proc.cwd",
        FieldType.STRING,
        "The working directory; ends with a slash.",
        of_main(lambda p: p.cwd),
        _CWD,
        depends=frozenset({Dependency.CWD}),
    ),
    _field(
        "proc.tty",
        FieldType.UINT,
        "Device number of the controlling terminal, 0 without one.",
        own(lambda p: p.tty & 0xFFFFFFFF),
        bits=32,
        depends=frozenset({Dependency.SESSION, Dependency.PROCESS}),
    ),
    _field("proc.pid", FieldType.INT, "Process id, as the host counts.", own(lambda p: p.pid)),
    _field(
        "proc.vpid",
        FieldType.INT,
        "Process id, as its own pid namespace counts.",
        own(lambda p: None if p.vpid == -1 else p.vpid),
    ),
    _field(
        "proc.duration",
        FieldType.RELTIME,
        "How long the process had lived when the event happened.",
        dated(_age),
        depends=_BY_CLOCK,
    ),
    _field("proc.pid.ts", FieldType.RELTIME, "When the process began, ns since 1970.", own(_number("start"))),
    _exec_invariant(
        "proc.is_exe_writable",
        "Whether the process may write to its own program file.",
        _flag(_WRITABLE),
        FieldType.BOOL,
    ),
    _exec_invariant(
        "proc.is_exe_upper_layer",
        "Whether the program file lies in a container's writable layer.",
        _flag(_UPPER),
        FieldType.BOOL,
    ),
    _exec_invariant(
        "proc.is_exe_lower_layer",
        "Whether the program file comes from a container's image.",
        _flag(_LOWER),
        FieldType.BOOL,
    ),
    _exec_invariant(
        "proc.is_exe_from_memfd",
        "Whether the program was run from memory (memfd) and not from a file.",
        _flag(_MEMFD),
        FieldType.BOOL,
    ),
    _exec_invariant(
        "proc.exe_uid",
        "Owner of the program file when it was executed, as the host counts; mozu's own.",
        own(lambda p: None if p.exe_uid < 0 else p.exe_uid),
        FieldType.UINT,
    ),
    _exec_invariant(
        "proc.exe_mode",
        "Permission bits of the program file when it was executed, octal, four digits (0755); mozu's own.",
        own(lambda p: None if p.exe_mode < 0 else f"{p.exe_mode:04o}"),
    ),
    _field("proc.exe_ino", FieldType.INT, "Inode of the program file.", own(_number("exe_ino"))),
    _field(
        "proc.exe_ino.ctime",
        FieldType.ABSTIME,
        "When the program file's inode last changed.",
        own(_number("exe_ctime")),
    ),
    _field(
        "proc.exe_ino.mtime",
        FieldType.ABSTIME,
        "When the program file's content last changed.",
        own(_number("exe_mtime")),
    ),
    _field(
        "proc.exe_ino.ctime_duration_proc_start",
        FieldType.ABSTIME,
        "ns from the last change of the program file's inode to the start of the process.",
        own(_number("exe_age")),
    ),
    _field(
        "proc.exe_ino.ctime_duration_pidns_start",
        FieldType.ABSTIME,
        "ns from the start of the pid namespace to the last change of the program file's inode, if that came later.",
        own(_number("exe_novelty")),
    ),
    _field(
        "proc.pidns_init_start_ts",
        FieldType.UINT,
        "When the first process of the pid namespace began.",
        own(_number("pidns_start")),
    ),
    _field(
        "proc.fdopencount",
        FieldType.UINT,
        "How many open descriptors of the process are known.",
        dated(open_count),
        _FDS,
        depends=_BY_TABLE,
    ),
    _field("proc.fdlimit", FieldType.INT, "How many descriptors the process may open.", of_main(lambda p: p.fdlimit)),
    _field(
        "proc.fdusage",
        FieldType.DOUBLE,
        "Open descriptors in percent of the limit.",
        dated(_usage),
        _FDS,
        depends=_BY_TABLE,
    ),
    _field("proc.vmsize", FieldType.UINT, "Size of the address space, kB.", own(lambda p: p.vm_size)),
    _field("proc.vmrss", FieldType.UINT, "Memory in use, kB.", own(lambda p: p.vm_rss)),
    _field("proc.vmswap", FieldType.UINT, "Memory swapped out, kB.", own(lambda p: p.vm_swap)),
    *_STANDARD,
    *PIPED,
    *_NAMESPACE_FIELDS,
)
