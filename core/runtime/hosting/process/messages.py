"""Messages between mozu and a component's process: a length, and a pickle.

The parent trusts nothing that the child sends: it accepts the structs of events, alerts, outcomes, counts and demand by
name and no other class or function, and no message longer than MAX_BYTES. The child accepts any pickle from the parent.
"""

import enum
import io
import pickle
import struct
from typing import Final

import msgspec

from mozu.core.model.event import Process, Task

LENGTH: Final = struct.Struct("!I")
MAX_BYTES: Final = 64 << 20
_STRUCTS: Final = (
    "mozu.core.model.", "mozu.core.api.components", "mozu.core.filter.", "mozu.core.runtime.hosting.process.messages",
)  # fmt: skip
_OTHERS: Final = frozenset(
    {
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("msgspec._core", "rebuild"),
        ("msgspec._utils", "rebuild"),  # where it was before
    }
)


class BuiltMessage(msgspec.Struct):
    """The first message of a child: a description of the component, or why it could not be built."""

    error: str = ""
    capabilities: tuple[str, ...] = ()
    """Names of the members of its capabilities."""
    demand: object = None
    """An evaluator's demand; None for other components."""
    rules_digest: str = ""
    rule_names: tuple[str, ...] = ()


class ReplyMessage(msgspec.Struct):
    """The result of a call, or the exception it raised."""

    call: int
    value: object = None
    error: str = ""
    """Class and text of the exception."""
    kind: str = ""
    """Class of the exception."""


class LifeMessage(msgspec.Struct):
    """A heartbeat with the component's counts and metrics."""

    counts: object = None
    """A source's counts; None for other components."""
    metrics: tuple[tuple[str, dict[str, str], float], ...] = ()


class LineMessage(msgspec.Struct):
    """A line of the component's log."""

    level: int
    text: str


class CallMessage(msgspec.Struct):
    """The parent's message: call a method."""

    number: int
    method: str
    arguments: tuple[object, ...] = ()


class _Pickler(pickle.Pickler):
    def reducer_override(  # type: ignore[override]  # typeshed knows no state setter, pickle's protocol does
        self, found: object
    ) -> object:
        """Pickle a task with its versions and without the tables of the state, which belong to the whole machine."""
        if type(found) is Task:
            return Task, (found.tid,), found.newest, None, None, _set_newest
        return NotImplemented


def _set_newest(task: Task, newest: Process | None) -> None:
    task.newest = newest


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        """Return an accepted class; raise UnpicklingError for anything else."""
        if (module, name) not in _OTHERS and not module.startswith(_STRUCTS):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a message")
        found = super().find_class(module, name)
        if (module, name) in _OTHERS:
            return found
        if isinstance(found, type) and issubclass(found, msgspec.Struct | enum.Enum):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no struct")


def packed(message: object) -> bytes:
    """Return the message as bytes, its length first. Raises what pickle raises."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(message)
    body = buffer.getvalue()
    return LENGTH.pack(len(body)) + body


def of_child(body: bytes) -> object:
    """Return a message from the child. Raises pickle.UnpicklingError and whatever malformed input makes pickle
    raise."""
    return _Unpickler(io.BytesIO(body)).load()


def of_parent(body: bytes) -> object:
    """Return a message from the parent."""
    return pickle.loads(body)
