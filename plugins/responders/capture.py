"""The responder `capture`: what /proc says of a process, kept for later: maps, descriptors, hashes of its files.

Values of the environment and arguments are left out, since they hold secrets; the alert has what redaction leaves of
them. A file of JSON for each alert, for root alone. What happened around the alert is recorded by `capture` of a rule
(docs/recordings.md).
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import ByteSize, Field

from mozu.core.api import (
    Context,
    Incident,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    hookimpl,
)
from mozu.core.common.own_file import open_own

_PROC: Final = Path("/proc")
_MOST_DESCRIPTORS, _MOST_LINES, _MOST_PROCESSES = 1024, 20_000, 256
_CHUNK: Final = 1 << 20


class CaptureResponderSettings(ResponderSettings):
    """What is kept, and where."""

    what: Literal["process", "group", "container"] = Field("process", description="Of which processes.")
    directory: Path | None = Field(
        None, description="One file for each alert; by default in `plugins/responder/ID` below `state_dir`."
    )
    max_hashed: ByteSize = Field(ByteSize(64 << 20), ge=0, description="Bytes of a file beyond which it is not hashed.")


class CaptureResponder:
    """Reads only; the processes go on."""

    def __init__(self, settings: CaptureResponderSettings, context: Context) -> None:
        self._settings, self._context, self._scope = settings, context, Scope(settings.what)

    def start(self) -> None:
        """The directory is made with the first act."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """None where the alert is about no process."""
        return incident.plan_to("capture", self._scope)

    def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Write a file about the processes. Raises OSError and MozuError."""
        folder = self._settings.directory or self._context.state_directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [snapshot(one.pid, self._settings.max_hashed) for one in targets[:_MOST_PROCESSES] if one.signal(0)]
        document = {
            "alert": incident.alert.id,
            "rule": incident.alert.rule,
            "time": incident.alert.time,
            "processes": found,
            "left_out": max(0, len(targets) - _MOST_PROCESSES),
        }
        path = folder / f"{incident.alert.id or 'alert'}.json"
        part = path.with_suffix(".part")  # a mozu that is killed leaves no half of a document under its name
        descriptor = open_own(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        part.replace(path)

    def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """What was captured stays."""

    def stop(self) -> None:
        """Nothing to close."""


def snapshot(pid: int, max_hashed: int, proc: Path = _PROC) -> dict[str, object]:
    """What can be read now; what cannot is null."""
    own = _living(proc / str(pid))
    return {
        "pid": pid,
        "exe": _described(own / "exe", max_hashed),
        "cwd": _link(own / "cwd"),
        "root": _link(own / "root"),
        "arguments": len((_read(own / "cmdline") or b"").split(b"\0")) - 1,
        "environment": [_text(one.partition(b"=")[0]) for one in (_read(own / "environ") or b"").split(b"\0") if one],
        "status": _lines(own / "status"),
        "maps": _lines(own / "maps"),
        "cgroup": _lines(own / "cgroup"),
        "mountinfo": _lines(own / "mountinfo"),
        "net": _lines(own / "net/tcp"),
        "threads": sorted(int(one) for one in _names(proc / str(pid) / "task")),
        "descriptors": {
            name: _described(own / "fd" / name, max_hashed) for name in list(_names(own / "fd"))[:_MOST_DESCRIPTORS]
        },
    }


def _living(process: Path) -> Path:
    """The directory of a thread that lives where the first one has ended, and so has no program and no descriptors."""
    for thread in [] if _link(process / "exe") else _names(process / "task"):
        if _link(process / "task" / thread / "exe"):
            return process / "task" / thread
    return process


def _described(path: Path, max_hashed: int) -> dict[str, object]:
    """A file of the process: where it leads, and the hash of its content, if it is a regular file."""
    found: dict[str, object] = {"path": _link(path), "sha256": None}
    with suppress(OSError):
        about = path.stat()
        found |= {"device": about.st_dev, "inode": about.st_ino, "size": about.st_size, "mode": about.st_mode}
        if stat.S_ISREG(about.st_mode) and about.st_size <= max_hashed:
            found["sha256"] = _hash(path, max_hashed)
    return found


def _hash(path: Path, most: int) -> str | None:
    digest, left = hashlib.sha256(), most
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:  # it grows
                return None
            digest.update(chunk)
    return digest.hexdigest()


def _names(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from os.listdir(folder)


def _lines(path: Path) -> list[str] | None:
    found = _read(path)
    return None if found is None else [_text(line) for line in found.splitlines()[:_MOST_LINES]]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _link(path: Path) -> str | None:
    try:
        return _text(os.readlink(os.fsencode(path)))
    except OSError:
        return None


def _text(found: bytes) -> str:
    return found.decode("utf-8", "backslashreplace")


@hookimpl
def mozu_components() -> ResponderDeclaration[CaptureResponderSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="capture",
        build=CaptureResponder,
        settings=CaptureResponderSettings,
        summary="Keeps what /proc says of the process of an alert, with hashes of its open files.",
        blocking=True,
    )
