"""The fields `proc.p*` and `proc.a*`: the parent and all other ancestors, as of the event."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.fields.field import Argument, Field, FieldType, Match, Reader
from mozu.core.model.fields.proc.own import TREE, args, cmdline, env_value, open_count, whole_env
from mozu.core.model.fields.proc.read import (
    UNSIGNED,
    joined_lineage,
    lineage,
    of_level,
    of_lineage,
    of_main,
    of_parent,
    own,
    parent,
)
from mozu.core.model.fields.proc.trusted import trusted_name_of
from mozu.core.model.value_types import FieldValue

_ENV: Final = frozenset({"tree", "env"})
_PLAIN: Final = frozenset({"no_rhs", "no_transformer"})
_ENV_LEVELS: Final = 20
"""The most ancestors that are searched for a variable."""


def _leveled(read: Callable[[Process], FieldValue], bare: Reader) -> Callable[[str | None, str | None], Reader]:
    def bind(argument: str | None, _: str | None) -> Reader:
        return bare if argument is None else of_level(int(argument), read)

    return bind


def _any(
    name: str,
    kind: FieldType,
    doc: str,
    read: Callable[[Process], FieldValue],
    show: Reader | None = None,
    needs: frozenset[str] = TREE,
) -> Field:
    return Field(
        name=name,
        type=kind,
        doc=doc,
        bind=_leveled(read, of_lineage(read)),
        show=show or joined_lineage(lambda process: str(read(process) or "")),
        argument=Argument.INDEX_OPTIONAL,
        match=Match.ANY,
        needs=needs,
        traits=_PLAIN,
    )


def _inherited(name: str) -> Reader:
    """Return a reader of the nearest ancestor's value of a variable; empty if none has one."""

    def read(event: SyscallEvent) -> str | None:
        if event.process is None:
            return None
        for level, found in enumerate(lineage(event)):
            value = env_value(found, name)
            if value:
                return value
            if level + 1 == _ENV_LEVELS:
                break
        return ""

    return read


def _aenv(argument: str | None, _: str | None) -> Reader:
    if argument is None:
        return of_lineage(whole_env)
    return of_level(int(argument), whole_env) if argument.isdigit() else _inherited(argument)


def _parent_age(event: SyscallEvent) -> int | None:
    """Return the parent's age, ns. If its start is not known, Falco has the number of open descriptors here."""
    found = parent(event)
    if found is None or event.process is None:
        return None
    return event.age(found.start, found) & UNSIGNED if found.start else open_count(event.process, event)


def _login_shell(event: SyscallEvent) -> int | None:
    process = event.process
    if process is None:
        return None
    shell = None
    for found in (process.main_at(event.num), *lineage(event)):
        if found.name.endswith("sh"):
            shell = found.pid
    return shell


def _field(
    name: str, kind: FieldType, doc: str, read: Reader, depends: frozenset[Dependency] = EVERYTHING
) -> Field:
    return Field(name=name, type=kind, doc=doc, read=read, needs=TREE, depends=depends)


LINEAGE: Final[tuple[Field, ...]] = (
    _field("proc.pexe", FieldType.STRING, "proc.exe of the parent.", of_parent(lambda p: p.exe)),
    _field("proc.pexepath", FieldType.STRING, "proc.exepath of the parent.", of_parent(lambda p: p.exepath)),
    _field("proc.pname", FieldType.STRING, "proc.name of the parent.", of_parent(lambda p: p.name)),
    _field("proc.pcmdline", FieldType.STRING, "proc.cmdline of the parent.", of_parent(cmdline)),
    _field("proc.ppid", FieldType.INT, "Process id of the parent, as the host counts.", of_parent(lambda p: p.pid)),
    _field(
        "proc.pvpid",
        FieldType.INT,
        "Process id of the parent, as its own pid namespace counts.",
        of_parent(lambda p: p.vpid),
    ),
    _field(
        "proc.ppid.duration",
        FieldType.RELTIME,
        "How long the parent had lived when the event happened.",
        _parent_age,
        frozenset({Dependency.CLOCK, Dependency.PARENT, Dependency.PROCESS, Dependency.DESCRIPTORS}),
    ),
    _field(
        "proc.ppid.ts",
        FieldType.RELTIME,
        "When the parent began, ns since 1970; 0 where it is not known.",
        of_parent(lambda p: p.start),
    ),
    _field(
        "proc.loginshellid",
        FieldType.INT,
        "Process id of the oldest shell among the process and its ancestors.",
        _login_shell,
    ),
    _any(
        "proc.aexe",
        FieldType.STRING,
        "proc.exe of an ancestor: of any, or with an index of the one so many steps up.",
        lambda p: p.exe,
    ),
    _any(
        "proc.aexepath",
        FieldType.STRING,
        "proc.exepath of an ancestor: of any, or so many steps up.",
        lambda p: p.exepath,
    ),
    _any(
        "proc.atrusted_name",
        FieldType.STRING,
        "proc.trusted_name of an ancestor: of any, or so many steps up; mozu's own.",
        trusted_name_of,
        needs=_ENV,
    ),
    _any(
        "proc.aname",
        FieldType.STRING,
        "proc.name of an ancestor: of any, or so many steps up (0 is the process itself).",
        lambda p: p.name,
    ),
    _any("proc.acmdline", FieldType.STRING, "proc.cmdline of an ancestor: of any, or so many steps up.", cmdline),
    _any(
        "proc.apid",
        FieldType.INT,
        "Process id of an ancestor: of any, or so many steps up.",
        lambda p: p.pid,
        own(lambda p: p.pid),
    ),
    Field(
        name="proc.aargs",
        type=FieldType.STRING,
        bind=_leveled(args, joined_lineage(args)),
        needs=TREE,
        argument=Argument.INDEX_OPTIONAL,
        doc="The arguments of all ancestors as one text, or of the one so many steps up.",
    ),
    Field(
        name="proc.aenv",
        type=FieldType.STRING,
        bind=_aenv,
        show=of_main(whole_env),
        argument=Argument.KEY_OPTIONAL,
        match=Match.ANY,
        needs=_ENV,
        traits=_PLAIN,
        doc="The environment of an ancestor: of any, of the one so many steps up, or the nearest value of a variable.",
    ),
)
