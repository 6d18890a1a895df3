"""The responder `capture`: facts about a process from /proc, stored for later: maps, descriptors, hashes of its files.

Values of the environment and arguments are left out, since they hold secrets; the alert has them in redacted form. Each
alert gets a JSON file, readable by root alone. Events around the alert are recorded by `capture` of a rule
(docs/operate/recordings.md).
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import ByteSize, Field

from mozu.core.api import (
    AlertProcess,
    Context,
    Incident,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    StatelessResponder,
    hookimpl,
)
from mozu.core.common.file_lanes import file_lanes
from mozu.core.common.own_file import open_own
from mozu.core.common.subuids import SubordinateIds
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.common.unsynced_stat import unsynced_stat

_PROC: Final = Path("/proc")
_MOST_DESCRIPTORS, _MOST_LINES, _MOST_PROCESSES = 1024, 20_000, 256
_CHUNK: Final = 1 << 20
_SECONDS, _HASH_SECONDS = 10.0, 2.0
"""Most seconds for reading a process's /proc files and for writing the document, and for the hash of one file."""


class CaptureResponderSettings(ResponderSettings):
    """Settings of the responder `capture`."""

    what: Literal["process", "group", "container"] = Field("process", description="Of which processes.")
    directory: Path | None = Field(
        None, description="One file for each alert; by default in `plugins/responder/ID` below `state_dir`."
    )
    max_hashed: ByteSize = Field(ByteSize(64 << 20), ge=0, description="Bytes of a file beyond which it is not hashed.")


class CaptureResponder(StatelessResponder):
    """Responder that only reads; the processes continue. A file that does not answer in time has no hash."""

    def __init__(self, settings: CaptureResponderSettings, context: Context) -> None:
        self._settings, self._context, self._scope = settings, context, Scope(settings.what)
        self._threads, self._ids = ThreadPool("capture", 4), SubordinateIds()

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; None if the alert is about no process."""
        return incident.plan_to("capture", self._scope)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Write a file about the processes. Raises OSError and MozuError."""
        folder = self._settings.directory or self._context.state_directory()
        alive = [one.pid for one in targets[:_MOST_PROCESSES] if one.signal(0)]
        document = {
            "alert": incident.alert.id,
            "rule": incident.alert.rule,
            "time": incident.alert.time,
            "processes": [await self._captured(pid, incident.subject) for pid in alive],
            "left_out": max(0, len(targets) - _MOST_PROCESSES),
        }
        path = folder / f"{incident.alert.id or 'alert'}.json"
        await self._threads.run(partial(_write, path, document), _SECONDS)

    async def stop(self) -> None:
        """Let the threads end."""
        self._threads.stop()

    async def _captured(self, pid: int, subject: AlertProcess | None) -> dict[str, object]:
        found, files = await self._threads.run(partial(snapshot, pid, self._settings.max_hashed), _SECONDS)
        container = "" if subject is None or subject.container is None else subject.container.key
        for link, described in files:
            lanes = file_lanes([str(link)], container, 0 if subject is None else subject.uid, self._ids)
            hashed = partial(_hash, link, self._settings.max_hashed)
            with suppress(OSError):  # a TimeoutError is one as well
                described["sha256"] = await self._threads.run(hashed, _HASH_SECONDS, lanes)
        return found


def _write(path: Path, document: Mapping[str, object]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")  # a mozu that is killed leaves no half of a document under its name
    descriptor = open_own(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    part.replace(path)


File = tuple[Path, dict[str, object]]
"""A link in /proc, and the stored facts about the file that it leads to."""


def snapshot(pid: int, max_hashed: int, proc: Path = _PROC) -> tuple[dict[str, object], list[File]]:
    """Return present facts from the kernel, null for those that cannot be read, and the files to hash."""
    own = _living(proc / str(pid))
    exe, files = _described(own / "exe"), [own / "fd" / name for name in list(_names(own / "fd"))[:_MOST_DESCRIPTORS]]
    descriptors = {link.name: _described(link) for link in files}
    found = {
        "pid": pid,
        "exe": exe,
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
        "descriptors": descriptors,
    }
    described = [(own / "exe", exe), *zip(files, descriptors.values(), strict=True)]
    return found, [(link, one) for link, one in described if _is_to_be_hashed(one, max_hashed)]


def _is_to_be_hashed(described: Mapping[str, object], max_hashed: int) -> bool:
    mode, size = described.get("mode"), described.get("size")
    return isinstance(mode, int) and isinstance(size, int) and stat.S_ISREG(mode) and size <= max_hashed


def _living(process: Path) -> Path:
    """Return the directory of a living thread if the first one has ended and thus has no executable and no
    descriptors."""
    for thread in [] if _link(process / "exe") else _names(process / "task"):
        if _link(process / "task" / thread / "exe"):
            return process / "task" / thread
    return process


def _described(path: Path) -> dict[str, object]:
    """Return the target of a process's link and facts about that file; its hash is added later."""
    found: dict[str, object] = {"path": _link(path), "sha256": None}
    with suppress(OSError):
        about = unsynced_stat(str(path))
        found |= {"device": about.dev, "inode": about.ino, "size": about.size, "mode": about.mode}
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
    )
