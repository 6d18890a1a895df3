"""Allow-lists of `mozu trace`: the behaviour of a command, learned from one run and compared with another."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from mozu.core.abi.addresses import ip_text
from mozu.core.api import CallJudge, CallVerdict
from mozu.core.errors import MozuError
from mozu.core.filter.demand import Demand, Interest
from mozu.core.model.alert import Alert, Ref, Severity, Template
from mozu.core.model.event import Event, SyscallEvent, printable
from mozu.core.model.syscalls import flag_table
from mozu.core.model.value_types import FieldValue, Json
from mozu.core.state.paths import join

VERSION: Final = 1
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "programs": ("New program", "Programs that were run, links and scripts by their own names as well."),
    "reads": ("New place read", "Directories in which files were read, or were to be read and were refused."),
    "writes": ("New place written", "Directories in which files were opened for writing."),
    "addresses": ("New address", "Addresses that were connected to, or sent to."),
}
"""Kind of entry → (rule that an allow-list raises, its meaning)."""
_OPENS: Final = ("open", "openat", "openat2", "creat")
_SENDS: Final = ("connect", "sendto")
_MESSAGES: Final = ("sendmsg", "sendmmsg")
"""Calls whose addresses learned lists leave out; a denied address must not be reached by them either."""
_TYPES: Final = (*_OPENS, *_SENDS, "execve")
_FLAGS: Final = dict(flag_table("file_flags"))
_WRITES: Final = _FLAGS["O_WRONLY"] | _FLAGS["O_CREAT"] | _FLAGS["O_TRUNC"]
"""O_RDWR has the bit of O_WRONLY in this numbering."""
_REFUSED: Final = frozenset({-1, -13})
"""EPERM, EACCES: who is refused has tried. What is not there has not been read."""
_BY_FILE: Final = frozenset({"/etc", "{home}"})
"""Directories whose files differ so much in worth that each is listed; so is each file that was refused."""
_NUMBER: Final = re.compile(r"(?<=/)\d+(?=/|$)")
_KERNEL: Final = ("/proc", "/sys", "/dev")
_EPHEMERAL: Final = 32768


class Places:
    """Names for the places of a run: two runs that differ only in these places behave the same."""

    def __init__(self, tree: str, home: str, temporary: Sequence[str]) -> None:
        pairs = [(place.rstrip("/"), "{tmp}") for place in temporary]
        pairs += [(tree.rstrip("/"), "{tree}"), (home.rstrip("/"), "{home}")]
        self._pairs = sorted(((path, name) for path, name in pairs if path), key=lambda pair: -len(pair[0]))

    def general(self, path: str) -> str:
        """Return the path with `{tree}`, `{home}` or `{tmp}` as its beginning; any path in {tmp} is `{tmp}/**`."""
        for place, name in self._pairs:
            if path == place or path.startswith(place + "/"):
                return "{tmp}/**" if name == "{tmp}" else name + path[len(place) :]
        if path.startswith(_KERNEL):
            return _NUMBER.sub("*", path)
        return path

    def program(self, path: str) -> str:
        """Return the same for a program, which keeps its name in {tmp}: downloaded programs are there."""
        place = self.general(path)
        return f"{place}/{os.path.basename(path)}" if place == "{tmp}/**" else place


class Profile:
    """An evaluator that learns what happens, and raises an alert for what the allow-list does not contain."""

    def __init__(self, places: Places, allowed: Mapping[str, Sequence[str]] | None, *, deny: bool = False) -> None:
        self._places = places
        self._types = (*_TYPES, *_MESSAGES) if deny else _TYPES
        self._allowed = None if allowed is None else {kind: _Patterns(allowed.get(kind, ())) for kind in KINDS}
        self.seen: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._denied: set[tuple[str, str]] = set()
        """Denied entries (kind, entry): each raises one alert."""

    def demand(self) -> Demand:
        """Programs, opens, connections."""
        return Demand({"syscall": dict.fromkeys(self._types, Interest(frozenset({"tree", "cwd"})))})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Return one alert for each new entry, at its first occurrence."""
        alerts: list[Alert] = []
        for event in batch:
            if not isinstance(event, SyscallEvent):
                continue
            for kind, entry in self._entries(event):
                if entry not in self.seen[kind]:
                    self.seen[kind].add(entry)
                    if self._allowed is not None and not self._allowed[kind].match(entry):
                        alerts.append(_alert(event, kind, entry))
        return alerts

    def call_judge(self) -> CallJudge | None:
        """Denies what the list does not have. See `JudgesBefore`."""
        return None if self._allowed is None else CallJudge(frozenset(self._types), self._judge)

    def _judge(self, event: SyscallEvent) -> CallVerdict:
        assert self._allowed is not None
        alerts, denied = [], False
        entries = self._addresses(event) if event.type in _MESSAGES else self._entries(event)
        for kind, entry in entries:
            if self._allowed[kind].match(entry) or self._is_listed_by_file(kind, event):
                continue
            denied = True
            if (kind, entry) not in self._denied:
                self._denied.add((kind, entry))
                alerts.append(_alert(event, kind, entry))
        return CallVerdict(denied, alerts)

    def _is_listed_by_file(self, kind: str, event: SyscallEvent) -> bool:
        """Return True if the file itself is listed: a refused file is listed instead of its directory, and the refusal
        is not yet known."""
        if self._allowed is None or event.type not in _OPENS or event.file is None:
            return False
        return self._allowed[kind].match(self._places.general(event.file.realpath or event.file.name))

    def reload(self) -> "Profile":
        """Return this object: a run has one list."""
        return self

    def _entries(self, event: SyscallEvent) -> list[tuple[str, str]]:
        if event.type == "execve":
            return [("programs", self._places.program(path)) for path in _programs(event)]
        if event.type in _OPENS:
            return self._opened(event)
        return self._addresses(event) if event.type in _SENDS else []

    def _addresses(self, event: SyscallEvent) -> list[tuple[str, str]]:
        address = _address(event)
        return [("addresses", self._places.general(address))] if address else []

    def _opened(self, event: SyscallEvent) -> list[tuple[str, str]]:
        file, result = event.file, event.args[0]
        if file is None or not file.name.startswith("/") or (result < 0 and result not in _REFUSED):
            return []
        path = file.realpath or file.name
        flags = _WRITES if event.type == "creat" else event.args[2 if event.type == "open" else 3]
        place = self._places.general(path if file.kind == "directory" else os.path.dirname(path))
        if result < 0 or (place in _BY_FILE and file.kind != "directory"):
            place = self._places.general(path)
        return [("writes" if flags & _WRITES else "reads", place)]

    def text(self, command: Sequence[str]) -> str:
        """Return the list as YAML."""
        lines = [
            f"# What this command did: {printable(' '.join(command))!a}",
            "# {tree} is the directory it was run in, {home} the user's, {tmp} any temporary directory.",
            "# `*` stands for any text within a name, `**` for any text at all.",
            f"mozu_allow: {VERSION}",
        ]
        for kind, (_, meaning) in KINDS.items():
            lines += ["", f"# {meaning}"]
            entries = sorted(self.seen[kind])
            lines.append(f"{kind}:" if entries else f"{kind}: []")
            lines += [f"  - {_quoted(entry)}" for entry in entries]
        return "\n".join(lines) + "\n"


class _Patterns:
    def __init__(self, entries: Sequence[str]) -> None:
        self._plain = frozenset(entries)
        self._globs = [_glob(entry) for entry in entries if "*" in entry or "?" in entry]

    def match(self, entry: str) -> bool:
        return entry in self._plain or any(glob.fullmatch(entry) for glob in self._globs)


def _glob(pattern: str) -> re.Pattern[str]:
    parts = ("[^/]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**"))
    return re.compile(".*".join(parts), re.DOTALL)


def _quoted(entry: str) -> str:
    text = printable(entry)
    plain = re.fullmatch(r"[A-Za-z0-9/_.+@-]+(:[A-Za-z0-9/_.+@-]+)*", text) is not None
    return text if plain else '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'


def _programs(event: SyscallEvent) -> set[str]:
    """Return the file that was executed, and the one that was requested: they differ for links, and for scripts."""
    process = event.process
    if process is None or event.args[0] != 0:
        return set()
    asked = event.args[-1] or ""
    return {path for path in (process.exepath, join(process.cwd, asked) if asked else "") if path}


def _address(event: SyscallEvent) -> str:
    """Return `address:port` or the path of a unix socket; empty if the call names none."""
    if event.type == "connect":
        asked = event.args[3]
        if asked is None:
            return ""
        if asked.family == 1:
            return "" if not asked.path else "unix:" + asked.path.replace("\0", "@")
        return _ip(asked.address, asked.port)
    both = event.args[4]
    return _ip(both.dest, both.dport) if both is not None and both.family in (2, 10) and both.dport else ""


def _ip(address: bytes, port: int) -> str:
    """Ports that a system picks on the loopback are all the same."""
    if not address or not port:
        return ""
    text = ip_text(address)
    local = text.startswith("127.") or text == "::1"
    shown = f"[{text}]" if ":" in text else text
    return f"{shown}:*" if local and port >= _EPHEMERAL else f"{shown}:{port}"


def _alert(event: SyscallEvent, kind: str, entry: str) -> Alert:
    process = event.process
    values: dict[str, FieldValue] = {
        "entry": entry,
        "proc.name": None if process is None else process.name,
        "proc.pid": event.pid,
        "proc.exepath": None if process is None else process.exepath,
        "fd.name": None if event.file is None else event.file.name,
    }
    parts = (
        "The allow-list does not have this ", kind.removesuffix("s").replace("addresse", "address"), ": ",
        Ref("entry", "string", is_field=False), " (process=", Ref("proc.name", "string"), " pid=",
        Ref("proc.pid", "int64"), " executable=", Ref("proc.exepath", "string"), " file=",
        Ref("fd.name", "string"), ")",
    )  # fmt: skip
    return Alert(
        rule=KINDS[kind][0], priority=Severity.WARNING, source="syscall", time=event.time, template=Template(parts),
        values=values, tags=("allow_list",), event_type=event.type, event_num=event.num,
    )  # fmt: skip


def read_list(path: Path) -> Mapping[str, Sequence[str]]:
    """Return an allow-list. Raises MozuError with what is wrong with the file."""
    try:
        found: Json = yaml.safe_load(path.read_text())
    except OSError as error:
        raise MozuError(f"the allow-list {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MozuError(f"the allow-list {path} is not YAML: {error}") from error
    if not isinstance(found, dict) or found.get("mozu_allow") != VERSION:
        raise MozuError(f"{path} is no allow-list of this version: expected `mozu_allow: {VERSION}` and found none")
    unknown = sorted(found.keys() - KINDS.keys() - {"mozu_allow"}, key=str)
    if unknown:
        raise MozuError(f"the allow-list {path} has a key {unknown[0]!r}; known: {', '.join(KINDS)}")
    for kind in KINDS:
        entries = found.get(kind) or []
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise MozuError(f"the allow-list {path}: `{kind}` must be a list of texts")
    return {kind: found.get(kind) or [] for kind in KINDS}
