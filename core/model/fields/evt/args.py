"""The parameters and the result of a call: evt.args, evt.arg, evt.rawarg, evt.res, evt.rawres, evt.failed."""

import functools
import re
from typing import Any, Final

import msgspec

from mozu.core.errors import UnknownField
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields.binding import by_type
from mozu.core.model.fields.dependency import EVERYTHING, OF_EVENT
from mozu.core.model.fields.evt.text import is_empty, sockaddr_text, texts, tuple_text
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.syscalls import EventType, Param, errno_name, event_type, event_types, param_names

_NEEDS: Final[dict[str, frozenset[str]]] = {
    "fd": frozenset({"fds", "names", "files"}),
    "fdlist": frozenset({"fds", "files"}),
    "fspath": frozenset({"cwd"}),
    "fsrelpath": frozenset({"cwd", "fds"}),
    "pid": frozenset({"tree", "comm"}),
    "uid": frozenset({"enricher:users"}),
    "gid": frozenset({"enricher:users"}),
}
"""Type of a parameter → state dependencies of its text."""

_TYPES: Final = {
    "int": FieldType.INT,
    "fd": FieldType.INT,
    "pid": FieldType.INT,
    "errno": FieldType.INT,
    "fspath": FieldType.PATH,
    "fsrelpath": FieldType.PATH,
    "string": FieldType.STRING,
    "socktuple": FieldType.STRING,
    "sockaddr": FieldType.STRING,
    "fdlist": FieldType.STRING,
    "bytes": FieldType.BYTES,
    "reltime": FieldType.RELTIME,
    "abstime": FieldType.ABSTIME,
}
"""Type of a parameter without its width → type of the field; all others are unsigned numbers."""

_SIGN: Final = 1 << 63


def has_result(event: EventType) -> bool:
    """Return True if the first parameter is the call's result, for fields that rules of other programs read too."""
    return event.kind == "syscall" and bool(event.params) and not event.own_params


def result(event: SyscallEvent) -> int | None:
    """Return the call's result, as the signed number that the kernel means; None if it is missing."""
    value: int | None = event.args[0] if event.args else None
    return value - (1 << 64) if value is not None and value >= _SIGN else value


def arguments(lookups: Lookups) -> tuple[Field, ...]:
    """Return the fields that show parameters as text."""
    everything = frozenset().union(*_NEEDS.values())
    whole = by_type(lambda _, event: _all_texts(event, lookups))
    args = Field(
        name="evt.args",
        type=FieldType.STRING,
        doc="All parameters in order, each as name=value, with its resolved form in parentheses.",
        bind=whole,
        needs=everything,
        narrowed=lambda _, name: _needed(event_type(name)),
    )
    single = Field(
        name="evt.arg",
        type=FieldType.STRING,
        doc="One parameter as text, by its name or its position from 0: resolved where it can be, else as it is.",
        bind=by_type(lambda argument, event: _one_text(argument, event, lookups)),
        argument=Argument.DOTTED_OR_INDEX,
        needs=everything,
        narrowed=lambda argument, name: _needed(event_type(name), argument),
        variant=lambda argument: _single_variant(single, _known(argument)),
    )
    info = msgspec.structs.replace(args, name="evt.info", doc="The same text as evt.args.")
    return (args, single, info)


RAW: Final = Field(
    name="evt.rawarg",
    type=FieldType.STRING,
    doc="One parameter by its name, in the type of the first event that has it: numbers compare as numbers. Where that "
    "is a text (type, addr, name), a number of another event is its decimal digits.",
    bind=by_type(lambda argument, event: _raw(argument, event)),
    argument=Argument.DOTTED,
    depends=OF_EVENT,
    traits=frozenset({"no_rhs", "no_transformer", "dynamic"}),
    variant=lambda argument: _raw_variant(argument),
)


def _outcome(event: SyscallEvent) -> str | None:
    value = result(event)
    if value is None:
        return None
    return "SUCCESS" if value >= 0 else errno_name(value) or str(value)


def _failed(event: SyscallEvent) -> bool | None:
    value = result(event)
    return None if value is None else value < 0


def _of_result(name: str, kind: FieldType, read: Reader, doc: str) -> Field:
    bind = by_type(lambda _, event: read if has_result(event) else None)
    return Field(name=name, type=kind, doc=doc, bind=bind, depends=OF_EVENT)


RESULTS: Final = (
    _of_result(
        "evt.res", FieldType.STRING, _outcome, "SUCCESS, or the name of the error (its number where it has no name)."
    ),
    _of_result("evt.rawres", FieldType.INT, result, "What the call gave back: negative numbers are errors."),
    _of_result("evt.failed", FieldType.BOOL, _failed, "Whether the call gave back an error."),
)


def _known(argument: str | None) -> tuple[Param, ...]:
    """Return every parameter that an argument may stand for. Raises UnknownField."""
    found = _matching(argument or "")
    if not found and argument not in param_names() and not (argument or "").isdigit():
        raise UnknownField(f"evt.arg.{argument}: nonexistent field (no event has a parameter of this name)")
    return found


@functools.cache
def _matching(argument: str) -> tuple[Param, ...]:
    if argument.isdigit():
        position = int(argument)
        return tuple(event.params[position] for event in event_types().values() if position < len(event.params))
    return tuple(param for event in event_types().values() for param in event.params if param.name == argument)


def _single_variant(single: Field, params: tuple[Param, ...]) -> Field:
    """Return the field with the dependencies of these parameters: the event alone unless state, tasks or names have a
    part in the text."""
    needs = _needs(params)
    plain = not needs and not any(param.type == "dynamic" for param in params)
    return msgspec.structs.replace(single, variant=None, needs=needs, depends=OF_EVENT if plain else EVERYTHING)


def _needs(params: tuple[Param, ...]) -> frozenset[str]:
    return frozenset().union(*(_NEEDS.get(param.type, frozenset()) for param in params))


def _needed(event: EventType | None, argument: str | None = None) -> frozenset[str]:
    """Return the needs of the text of one parameter, or of all, for one event type."""
    if event is None:
        return frozenset()
    chosen = range(len(event.params)) if argument is None else (_position(argument, event),)
    return frozenset().union(*(_needed_by(event, at) for at in chosen if at is not None))


def _needed_by(event: EventType, at: int) -> frozenset[str]:
    """Return the needs of a parameter. The event's own descriptor, and a directory that a path starts from, do not need
    the table of all descriptors."""
    param = event.params[at]
    needs = _NEEDS.get(param.type, frozenset())
    known = param.type == "fd" and (param.name in ("fd", "res") or any(one.dirfd == at for one in event.params))
    return needs - {"files"} if known else needs


def _position(argument: str | None, event: EventType) -> int | None:
    _known(argument)
    text = argument or ""
    if not text.isdigit():
        return event.index(text)
    return int(text) if int(text) < len(event.params) else None


def _one_text(argument: str | None, event: EventType, lookups: Lookups) -> Reader | None:
    position = _position(argument, event)
    if position is None:
        return None
    empty, raw, resolved = texts(event.params[position], lookups)

    def read(event: SyscallEvent) -> str | None:
        if position >= len(event.args):
            return None
        value = event.args[position]
        return empty if is_empty(value) else resolved(event, value) or raw(event, value)

    return read


def _all_texts(event: EventType, lookups: Lookups) -> Reader:
    each = [(param.name, texts(param, lookups)) for param in event.params]

    def read(event: SyscallEvent) -> str:
        return " ".join(_pieces(event))

    def _pieces(event: SyscallEvent) -> list[str]:
        pieces = []
        for (name, (empty, raw, resolved)), value in zip(each, event.args, strict=False):
            if is_empty(value):
                pieces.append(f"{name}={empty}")
                continue
            more = resolved(event, value)
            plain = f"{name}={raw(event, value)}"
            pieces.append(f"{plain}({more})" if more else plain)
        return pieces

    return read


def _raw(argument: str | None, event: EventType) -> Reader | None:
    position = _position(argument, event)
    if position is None:
        return None
    param = event.params[position]
    is_text = param.type in ("string", "fspath", "fsrelpath")
    convert = _NATIVE.get(param.type)
    if convert is None and not is_text and _raw_variant(argument).type in (FieldType.STRING, FieldType.PATH):
        convert = _as_text
    empty = "<NA>" if is_text else None

    def read(event: SyscallEvent) -> Any:
        value = event.args[position] if position < len(event.args) else None
        if is_empty(value):
            return empty
        return value if convert is None else convert(value)

    return read


def _as_text(value: Any) -> str:
    """Return a value as text, for a parameter that is text in the first event with this name: `type` of mount, of
    syslog."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


_NATIVE: Final[dict[str, Any]] = {
    "socktuple": tuple_text,
    "sockaddr": sockaddr_text,
    "fdlist": lambda value: " ".join(f"{fd}:{flags:x}" for fd, flags in value),
    "dynamic": lambda value: value[1] if isinstance(value, tuple) else value,
}
"""Type of a parameter → conversion of values that rules cannot compare unchanged."""


def _raw_variant(argument: str | None) -> Field:
    """Return the field with type and print format of the first event that has the parameter. Raises UnknownField."""
    params = _known(argument)
    if (argument or "").isdigit():
        raise UnknownField(f"evt.rawarg.{argument}: nonexistent field (the argument must be the name of a parameter)")
    kind, form = (params[0].type, params[0].format) if params else ("uint16", "")
    if kind == "dynamic":
        kind, _, form = params[0].choices[0].partition(".")
    if kind == "mode":
        form = "o"
    return msgspec.structs.replace(
        RAW,
        variant=None,
        type=_TYPES.get(re.sub(r"\d+$", "", kind), FieldType.UINT),
        format={"x": "hex", "o": "octal"}.get(form, ""),
    )
