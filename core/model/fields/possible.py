"""Values that no event has: a kind of descriptor that does not exist, a name longer than the kernel keeps."""

import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from mozu.core.model.fields.descriptor_kind import CHARS, IP
from mozu.core.model.syscalls import EventType, errno_name, event_types
from mozu.core.model.value_types import FieldValue

_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_DAY: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIMES: Final[Mapping[str, tuple[str, str]]] = {
    "evt.time": (rf"{_CLOCK}\.\d{{9}}", "12:30:00.000000000"),
    "evt.outputtime": (rf"{_CLOCK}\.\d{{9}}", "12:30:00.000000000"),
    "evt.time.s": (_CLOCK, "12:30:00"),
    "evt.time.iso8601": (rf"{_DAY}T{_CLOCK}\.\d{{9}}\+0000", "2026-01-31T12:30:00.000000000+0000"),
    "evt.datetime": (rf"{_DAY} {_CLOCK}\.\d{{9}}", "2026-01-31 12:30:00.000000000"),
    "evt.datetime.s": (rf"{_DAY} {_CLOCK}", "2026-01-31 12:30:00"),
}
"""Field → pattern of its texts, and an example."""
_DATES: Final = re.compile(rf"({_DAY})[T ]({_CLOCK})")
_MOMENTS: Final[Mapping[str, int]] = {"evt.rawtime": 1_000_000_000, "evt.rawtime.s": 1}
"""Field → units in a second."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "fd.type": (*CHARS, "<NA>"),
    "fd.typechar": tuple(sorted({*CHARS.values(), "o"})),
    "fd.l4proto": ("tcp", "udp", "icmp", "raw", "<NA>"),
    "evt.io_dir": ("read", "write"),
    "container.state": ("known", "late", "unknown"),
    "ka.stage": ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
}
"""Field → every text that it can have."""
_OF_SOCKETS: Final[Mapping[str, tuple[str, ...]]] = {
    "fd.type": tuple(sorted(IP)),
    "fd.typechar": tuple(sorted(CHARS[kind] for kind in IP)),
}
_IDS: Final = re.compile(r"proc\.(?:v?pid|pv?pid|apid|sid|pgid|vpgid)|thread\.v?tid")
COMM: Final = 15
"""Bytes of a program's name that the kernel keeps (TASK_COMM_LEN of include/linux/sched.h, without the NUL)."""
_NAMES: Final = frozenset({"proc.name", "proc.pname", "proc.aname", "proc.sname", "proc.pgid.name", "proc.vpgid.name"})
_MOST_ERRORS: Final = 4096
"""MAX_ERRNO of include/linux/err.h, and one."""
_ZONES: Final = 86_400
"""Seconds by which a local time can be ahead of UTC, rounded up."""


def words(name: str, type_: EventType | None = None) -> tuple[str, ...] | None:
    """Return every text that a field can have in events of a type, or of any; None if they are not limited."""
    known = _WORDS.get(name)
    if known is None or type_ is None or type_.may_be_socket:
        return known
    return tuple(word for word in known if word not in _OF_SOCKETS.get(name, ()))


def longest(name: str) -> int | None:
    """Return the length in bytes of the longest text that a field can have; None if it is not limited."""
    return COMM if name in _NAMES else None


def least(name: str) -> int | None:
    """Return the smallest number that a field can have; None if only its type limits it."""
    return -1 if _IDS.fullmatch(name) else None


@cache
def categories() -> tuple[str, ...]:
    """Return every text that `evt.category` can have; a call that moves bytes has the category of its descriptor."""
    own = {one.category for one in event_types().values() if not one.category.startswith("io_")}
    return tuple(sorted((own - {"ipc"}) | {"file", "net", "ipc", "IPC", "unknown"}))


@cache
def error_numbers() -> Mapping[str, int]:
    """Return name of an error (`EACCES`) → its number (13)."""
    return {name: number for number in range(1, _MOST_ERRORS) if (name := errno_name(number)) is not None}


def check_value(name: str, value: FieldValue, now: Callable[[], float] = time.time) -> None:
    """Raise ValueError with a sentence if no event has this value."""
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, str):
            _check_text(name, one, now)
        elif isinstance(one, int):
            _check_number(name, one, now)


def check_descriptor(type_: EventType, name: str, value: FieldValue) -> None:
    """Raise ValueError with a sentence if the descriptor of events of a type is never of this kind."""
    never = () if type_.may_be_socket else _OF_SOCKETS.get(name, ())
    if value in never:
        raise ValueError(f"{name} of {type_.name} is never {' or '.join(never)}: no socket; test another evt.type")
    if name == "fd.num" and "creates_fd" in type_.traits and isinstance(value, int) and value < -1:
        raise ValueError(f"fd.num of {type_.name} is a descriptor, or -1 if the call failed, not {value}")


def _check_text(name: str, text: str, now: Callable[[], float]) -> None:
    words = _WORDS.get(name)
    if words is not None and text not in words:
        raise ValueError(f"{name} is one of {', '.join(words)}, not `{text[:60]}`")
    pattern, example = _TIMES.get(name, ("", ""))
    if pattern and re.fullmatch(pattern, text, re.ASCII) is None:
        raise ValueError(f"{name} has the form {example}, not `{text[:60]}`")
    date = _DATES.match(text) if pattern else None
    if date is not None and " ".join(date.groups()) > time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now() + _ZONES)):
        raise ValueError(f"{name} is in the future: `{text[:60]}`; write a moment of the past")


def _check_number(name: str, number: int, now: Callable[[], float]) -> None:
    unit = _MOMENTS.get(name)
    if unit is not None and not 0 <= number <= now() * unit:
        raise ValueError(f"{name} is from 1970 to now, not {number}; write a moment of the past")
    if name == "evt.num" and number == 0:
        raise ValueError("evt.num counts from 1; write 1 or more")
    if number < -1 and _IDS.fullmatch(name):
        raise ValueError(f"{name} is the number of a process, or -1 if it is unknown, not {number}")
