"""A small registry of fields over plain records: one field of every type and kind, and event types that lack some."""

from collections.abc import Callable
from typing import Any

from mozu.core.errors import UnknownField
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field, FieldRegistry, FieldType, Match


def event(kind: str = "open", /, **values: Any) -> DataEvent:
    """Return an event of source `syscall`; `proc_name=…` sets the field proc.name."""
    return DataEvent("syscall", kind, 0, 1, {name.replace("_", ".", 1): value for name, value in values.items()})


def _reads(name: str) -> Callable[[Any], Any]:
    return lambda event: event.data.get(name)


def _field(name: str, kind: FieldType, **more: Any) -> Field:
    return Field(name=name, type=kind, doc="A field of tests.", read=_reads(name), **more)


def _ancestor(argument: str | None, _: str | None) -> Callable[[Any], Any]:
    if argument is None:
        return lambda event: event.data.get("proc.aname")
    level = int(argument)

    def read(event: Any) -> Any:
        chain = event.data.get("proc.aname") or ()
        return chain[level] if level < len(chain) else None

    return read


def _variable(argument: str | None, _: str | None) -> Callable[[Any], Any]:
    return lambda event: (event.data.get("proc.env") or {}).get(argument)


def _parameter(argument: str | None, kind: str | None) -> Callable[[Any], Any] | None:
    if argument not in ("flags", "mode"):
        raise UnknownField(f"evt.arg.{argument}: nonexistent field")
    return None if kind == "execve" else lambda event: event.data.get(f"evt.arg.{argument}")


def _opened(_: str | None, kind: str | None) -> Callable[[Any], Any] | None:
    return None if kind == "execve" else lambda event: event.data.get("evt.is_open_read")


FIELDS = (
    Field(name="evt.type", type=FieldType.STRING, doc="Type.", read=lambda event: event.type, sources=frozenset({"*"})),
    Field(name="evt.num", type=FieldType.UINT, doc="Number.", read=lambda event: event.num, sources=frozenset({"*"})),
    Field(
        name="evt.around",
        type=FieldType.UINT,
        doc="Distance.",
        bind=lambda argument, _: lambda event: abs(event.time - int(argument or "0")),
        argument=Argument.KEY,
        traits=frozenset({"filter_only", "no_rhs", "no_transformer", "at_most"}),
    ),
    Field(name="evt.is_open_read", type=FieldType.BOOL, doc="Reads.", bind=_opened),
    Field(name="evt.arg", type=FieldType.STRING, doc="Parameter.", bind=_parameter, argument=Argument.DOTTED_OR_INDEX),
    Field(
        name="evt.rawarg",
        type=FieldType.UINT,
        doc="Parameter.",
        bind=lambda argument, _: lambda event: event.data.get(f"evt.rawarg.{argument}"),
        argument=Argument.DOTTED,
        traits=frozenset({"dynamic", "no_rhs", "no_transformer"}),
    ),
    Field(
        name="evt.time",
        type=FieldType.STRING,
        doc="Time.",
        read=lambda event: "12:00:00",
        traits=frozenset({"output_time"}),
    ),
    _field("evt.buffer", FieldType.BYTES),
    _field("evt.reltime", FieldType.RELTIME),
    _field("proc.name", FieldType.STRING),
    _field("proc.pname", FieldType.STRING),
    _field("proc.cmdline", FieldType.STRING),
    _field("proc.exepath", FieldType.PATH, needs=frozenset({"tree"})),
    _field("proc.pid", FieldType.INT),
    _field("proc.ppid", FieldType.INT),
    _field("proc.args", FieldType.STRING, argument=Argument.INDEX_OPTIONAL),
    Field(
        name="proc.aname",
        type=FieldType.STRING,
        doc="Ancestors.",
        bind=_ancestor,
        argument=Argument.INDEX_OPTIONAL,
        match=Match.ANY,
        traits=frozenset({"no_rhs", "no_transformer"}),
    ),
    Field(name="proc.env", type=FieldType.STRING, doc="Variable.", bind=_variable, argument=Argument.KEY),
    _field("user.uid", FieldType.UINT, bits=32, needs=frozenset({"ids"})),
    _field("fd.name", FieldType.STRING, needs=frozenset({"cwd", "fds"})),
    _field("fd.num", FieldType.INT),
    _field("fd.dev", FieldType.INT, bits=32, format="hex"),
    _field("fd.sport", FieldType.PORT),
    _field("fd.cport", FieldType.PORT),
    _field("fd.sip", FieldType.IPADDR),
    _field("fd.cip", FieldType.IPADDR),
    _field("fd.ip", FieldType.IPADDR, match=Match.ENDPOINTS, traits=frozenset({"filter_only", "no_rhs"})),
    Field(
        name="fd.sip.name",
        type=FieldType.STRING,
        doc="Names of a host.",
        read=_reads("fd.sip.name"),
        show=lambda event: (event.data.get("fd.sip.name") or (None,))[0],
        match=Match.NAMES,
        traits=frozenset({"no_rhs", "no_transformer", "host_name"}),
    ),
    _field("fd.port", FieldType.PORT, match=Match.ENDPOINTS, traits=frozenset({"filter_only", "no_rhs"})),
    _field("fd.snet", FieldType.IPNET, traits=frozenset({"filter_only", "no_rhs"})),
    _field("fd.net", FieldType.IPNET, match=Match.ENDPOINTS, traits=frozenset({"filter_only", "no_rhs"})),
    _field("fd.types", FieldType.STRING, is_list=True),
    _field("fd.tags", FieldType.STRING, is_list=True),
    _field("fd.ports", FieldType.UINT, is_list=True),
    _field("proc.usage", FieldType.DOUBLE),
    Field(name="proc.thumb", type=FieldType.STRING, doc="Gone.", unavailable="nobody knows it here"),
    Field(name="ka.verb", type=FieldType.STRING, doc="Verb.", read=_reads("verb"), sources=frozenset({"k8s_audit"})),
)


def registry() -> FieldRegistry:
    """Return a registry of all these fields."""
    return FieldRegistry(FIELDS)
