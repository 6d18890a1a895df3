"""Construction of the parts of an event from values of fields.

Not every field has a part: the value of any other field is only itself. Parts let fields follow from each other:
`fd.directory` and `fd.filename` follow from `fd.name`, `evt.is_open_read` from `evt.arg.flags`, `proc.pname` and
`proc.aname[2]` from `proc.aname`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.model.fields.descriptor_kind import CHARS
from mozu.core.model.fields.proc.trusted import GivenProgram, trusted_name_of
from mozu.core.model.syscalls import EventType, event_type
from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.given.ancestors import ANCESTORS, PARENT, Ancestors, check_name
from mozu.core.rule_tests.given.outcome import OUTCOMES, opens
from mozu.core.rule_tests.given.parameters import parameter
from mozu.core.rule_tests.given.parts import GivenArguments, GivenEvent, GivenPart, GivenProcess, Key
from mozu.core.rule_tests.given.socket_ends import SOCKET, SocketEnds, usual_role

_PROCESS: Final[Mapping[str, str]] = {
    "proc.name": "name",
    "proc.exe": "exe",
    "proc.exepath": "exepath",
    "proc.pid": "pid",
    "proc.vpid": "vpid",
    "proc.cwd": "cwd",
    "proc.tty": "tty",
    "proc.sid": "sid",
    "proc.pgid": "pgid",
    "proc.vpgid": "vpgid",
    "user.uid": "uid",
    "user.loginuid": "loginuid",
    "group.gid": "gid",
    "thread.vtid": "vtid",
}
_FILE: Final[Mapping[str, str]] = {
    "fd.name": "name",
    "fd.nameraw": "raw",
    "fd.realpath": "realpath",
    "fd.type": "kind",
    "fd.l4proto": "l4proto",
    "fd.connected": "connected",
    "fd.name_changed": "name_changed",
}
_EVENT: Final[Mapping[str, str]] = {"evt.num": "num", "evt.cpu": "cpu", "evt.rawtime": "time", "thread.tid": "tid"}
_CONTAINER: Final[Mapping[str, str]] = {"container.full_id": "full_id", "container.type": "runtime"}
_KINDS: Final[Mapping[str, str]] = {
    **{letter: kind for kind, letter in reversed(CHARS.items())},
    "o": "unknown",
}
"""`fd.typechar` → `fd.type`."""
_HOST: Final = "host"
_ENTRY_PATHS: Final[Mapping[str, str]] = {
    "evt.is_io_uring": "io_uring", "evt.is_assumed": "io_uring_submitted", "evt.is_compat32": "compat32",
}  # fmt: skip


class EventBuilder:
    """A builder that receives values one by one, then makes the event."""

    def __init__(self, source: str, type_: str) -> None:
        self.source, self.type = source, type_
        self.declared: EventType | None = event_type(type_) if source == "syscall" else None
        self.values: dict[Key, FieldValue] = {}
        self.ancestors = Ancestors()
        self.arguments: dict[int, FieldValue] = {}
        """Parameters by position."""
        self._event: dict[str, object] = {}
        self._process: dict[str, object] = {}
        self._file: dict[str, object] = {}
        self._container: dict[str, object] = {}
        self._ends = SocketEnds()
        self._on_host = False
        self._command: str | None = None

    def take(self, key: Key, value: FieldValue) -> None:
        """Take a value of a field, in the field's own type; None: the field is absent. Raises ValueError for an
        impossible value."""
        self.values[key] = value
        if value is None:
            return
        name, argument = key
        if argument is None and (setter := _SETTERS.get(name)) is not None:
            setter(self, value)
        elif name in ("evt.arg", "evt.rawarg") and argument is not None and self.declared is not None:
            self._take_parameter(key, argument, value)
        elif name in ANCESTORS and (argument or "").isdigit():
            self.ancestors.take(ANCESTORS[name], int(argument or ""), value)
            if int(argument or "") == 0:
                self._process.setdefault(ANCESTORS[name], value)

    def event(self) -> GivenEvent:
        """Return the event of all values."""
        process = self._process
        self._settle_command(process)
        self._settle_result()
        parent = self.ancestors.chain()
        if self._container.get("full_id") == "":  # lxc, bpm: the container has a name, and no id beside it
            self._container["full_id"] = self._container.get("id", "")
        if self._on_host or self._container:
            process["container"] = None if self._on_host else GivenPart(**self._container)
        self._settle_trust(process)
        made = GivenProcess(self._event.get("tid", process.get("pid", object())), parent, **process)
        attributes: dict[str, object] = {"entry_path": "", **self._event, "process": made, "file": self._made_file()}
        if self.declared is not None and self.declared.params:
            attributes["args"] = GivenArguments(len(self.declared.params), self.arguments)
        if "pid" in process:
            attributes["pid"] = process["pid"]
            attributes.setdefault("tid", process["pid"])
        return GivenEvent(self.source, self.type, self.values, self.ancestors.depth, **attributes)

    # --- what fields say

    def set_process(self, attribute: str, value: FieldValue) -> None:
        """Set an attribute of the event's process."""
        if attribute == "cwd" and isinstance(value, str) and not value.endswith("/"):
            raise ValueError(f"proc.cwd always ends with a slash: write {value}/")
        check_name(attribute, value)
        self._process[attribute] = value

    def set_file(self, attribute: str, value: FieldValue) -> None:
        """Set an attribute of the descriptor's file."""
        self._file[attribute] = value

    def set_event(self, attribute: str, value: FieldValue) -> None:
        """Set an attribute of the event."""
        self._event[attribute] = value

    def set_container(self, attribute: str, value: FieldValue) -> None:
        """Set an attribute of the container; `host` stands for no container."""
        self._on_host = value == _HOST
        if not self._on_host:
            self._container[attribute] = value
            if attribute == "full_id" and value:
                self._container.setdefault("id", str(value)[:12])

    def set_end(self, end: str, half: str, value: FieldValue) -> None:
        """Set address or port of one end."""
        self._ends.take(end, half, value)

    def set_kind(self, value: FieldValue) -> None:
        """Set the kind of the file by the letter of `fd.typechar`."""
        self._file.setdefault("kind", _KINDS[str(value)])

    def set_descriptor(self, number: FieldValue) -> None:
        """Set the number of the descriptor."""
        assert isinstance(number, int)
        self._event["fd"] = number
        if self.declared is None:
            return
        if not opens(self.declared):
            position = self.declared.index("fd")
            if position is not None:
                self.arguments[position] = number
        elif number >= 0:
            self.arguments[0] = number
        else:
            self.values.setdefault(("evt.failed", None), True)

    def set_role(self, is_server: FieldValue) -> None:
        """Set which end of a socket the process is."""
        self._file.setdefault("role", "server" if is_server else "client")

    def set_part(self, role: FieldValue) -> None:
        """Set the role in the connection by name, which is more precise than `fd.is_server`."""
        self._file["role"] = role

    def set_arguments(self, text: FieldValue) -> None:
        """Set the arguments of the program, separated by blanks."""
        self._process["args"] = tuple(str(text).split(" ")) if text else ()

    def set_command(self, text: FieldValue) -> None:
        """Set `proc.cmdline`: the name of the program, a blank, its arguments."""
        self._command = str(text)
        check_name("name", self._command.partition(" ")[0])

    # --- what follows

    def _take_parameter(self, key: Key, argument: str, value: FieldValue) -> None:
        assert self.declared is not None
        position = int(argument) if argument.isdigit() else self.declared.index(argument)
        if position is None or position >= len(self.declared.params):
            return
        param = self.declared.params[position]
        found = parameter(param, value, is_raw=key[0] == "evt.rawarg")
        if found is None:
            return
        self.arguments.setdefault(position, found)
        if param.table:
            del self.values[key]  # it prints as the table has it, in whatever order its flags were given
        if param.name == "fd" and not isinstance(self.values.get(("fd.num", None)), int) and isinstance(found, int):
            self._event["fd"] = found

    def _settle_command(self, process: dict[str, object]) -> None:
        text = self._command
        if text is None:
            return
        name = str(process.get("name", ""))
        if not name or not f"{text} ".startswith(f"{name} "):
            name = text.partition(" ")[0]
        process.setdefault("name", name)
        rest = text[len(name) + 1 :]
        process.setdefault("args", tuple(rest.split(" ")) if rest else ())

    def _settle_trust(self, process: dict[str, object]) -> None:
        """Place the program where packages install programs, unless the test names its path; the same for its
        ancestors."""
        if "name" in process:
            arguments = process.get("args", ())
            assert isinstance(arguments, tuple)
            owner, mode = (self.values.get((f"proc.exe_{name}", None)) for name in ("uid", "mode"))
            program = GivenProgram(
                str(process["name"]), str(process.get("exepath", "")), arguments, 0,
                owner if isinstance(owner, int) else -1, int(mode, 8) if isinstance(mode, str) else -1,
            )  # fmt: skip
            found = trusted_name_of(program)
            self.values.setdefault(("proc.trusted_name", None), found)
        if not (names := self.ancestors.names()):
            return
        usual = tuple(names.values())
        given = self.values.setdefault(("proc.atrusted_name", None), usual)
        if given != usual:
            names = {level: str(name) for level, name in enumerate(given, 1)} if isinstance(given, tuple) else {}
        for level, name in names.items():
            self.values.setdefault(("proc.atrusted_name", str(level)), name)

    def _settle_result(self) -> None:
        if self.declared is None or 0 not in self.arguments:
            return
        result = self.arguments[0]
        if opens(self.declared) and isinstance(result, int):
            self._event["fd"] = max(result, -1)

    def _made_file(self) -> GivenPart:
        """Return the file of the descriptor."""
        file, ends, fd = dict(self._file), self._ends, self._event.get("fd")
        if fd == -1 and self.declared is not None and opens(self.declared):
            file["kind"] = ""
        elif "kind" not in file and (file or ends or fd is not None) and (kind := ends.kind or self._usual_kind()):
            file["kind"] = kind
        if ends:
            ends.settle(str(file.setdefault("role", usual_role(self.type))))
            for key, value in ends.values():
                self.values.setdefault(key, value)
            file["sock"] = ends.part()
        file.setdefault("realpath", None)  # not known: fd.name stands for it
        return GivenPart(**file)

    def _usual_kind(self) -> str:
        """Return the kind of an opened descriptor, a file unless the test says otherwise."""
        return "file" if self.declared is not None and opens(self.declared) and self.declared.category == "file" else ""


Setter = Callable[[EventBuilder, FieldValue], None]


def _process(attribute: str) -> Setter:
    return lambda builder, value: builder.set_process(attribute, value)


def _file(attribute: str) -> Setter:
    return lambda builder, value: builder.set_file(attribute, value)


def _event(attribute: str) -> Setter:
    return lambda builder, value: builder.set_event(attribute, value)


def _end(end: str, half: str) -> Setter:
    return lambda builder, value: builder.set_end(end, half, value)


def _container(attribute: str) -> Setter:
    return lambda builder, value: builder.set_container(attribute, value)


def _parent(attribute: str) -> Setter:
    return lambda builder, value: builder.ancestors.take(attribute, 1, value)


def _every_ancestor(attribute: str) -> Setter:
    return lambda builder, value: builder.ancestors.take_all(attribute, value if isinstance(value, tuple) else ())


def _entry_path(path: str) -> Setter:
    return lambda builder, value: builder.set_event("entry_path", path if value else "")


_SETTERS: Final[Mapping[str, Setter]] = {
    **{name: _process(attribute) for name, attribute in _PROCESS.items()},
    **{name: _file(attribute) for name, attribute in _FILE.items()},
    **{name: _event(attribute) for name, attribute in _EVENT.items()},
    **{name: _end(*place) for name, place in SOCKET.items()},
    **{name: _container(attribute) for name, attribute in _CONTAINER.items()},
    **{name: _parent(attribute) for name, attribute in PARENT.items()},
    **{name: _every_ancestor(attribute) for name, attribute in ANCESTORS.items()},
    **{name: _entry_path(path) for name, path in _ENTRY_PATHS.items()},
    **OUTCOMES,
    "container.id": _container("id"),
    "fd.typechar": EventBuilder.set_kind,
    "fd.num": EventBuilder.set_descriptor,
    "fd.is_server": EventBuilder.set_role,
    "fd.role": EventBuilder.set_part,
    "proc.args": EventBuilder.set_arguments,
    "proc.cmdline": EventBuilder.set_command,
}
"""Field without argument → setter of the parts."""
