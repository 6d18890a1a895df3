"""The child process: builds one component and calls its methods as the parent asks, on the event loop or on a
thread."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from operator import attrgetter
from typing import Final

from mozu.core.api import Context, DigestsRules, Evaluator, Kind, NamesRules, Source
from mozu.core.api.lookup_table import AnyLookupTable
from mozu.core.common.alert_output import use
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.hosting.process.messages import (
    LENGTH,
    BuiltMessage,
    CallMessage,
    LifeMessage,
    LineMessage,
    ReplyMessage,
    of_parent,
    packed,
)
from mozu.core.runtime.hosting.process.spec import ChildSpec
from mozu.core.runtime.hosting.threads import on_thread
from mozu.core.runtime.loop import run
from mozu.core.runtime.plugin_checks import capabilities
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.secret_memory import hide_secrets, keep_memory

_LIFE: Final = 0.5
"""Seconds between two heartbeats."""
_PR_SET_PDEATHSIG: Final = 1
"""Number of the operation, from <linux/prctl.h>."""


class _ToParent(logging.Handler):
    """A log handler that sends records to the parent, which filters and formats them."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        super().__init__()
        self.send = send
        """Function that sends a message; callable on any thread."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the parent has gone, or the loop
            self.send(packed(LineMessage(record.levelno, record.getMessage())))


class _Tasks:
    """Background tasks of the component: contained, and owned by a task group once there is one."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self._group: asyncio.TaskGroup | None = None
        self._early: list[tuple[Awaitable[None], str]] = []

    def own(self, group: asyncio.TaskGroup) -> None:
        """Have the group own the tasks, the waiting ones too."""
        self._group = group
        for work, name in self._early:
            self.spawn(work, name)

    def spawn(self, work: Awaitable[None], name: str) -> None:
        """See `Context.spawn`."""
        if self._group is None:
            self._early.append((work, name))
        else:
            self._group.create_task(self._contained(work, name), name=name)

    async def _contained(self, work: Awaitable[None], name: str) -> None:
        with self._isolation.contained(name):
            await work


class Child:
    """The component and the connection to the parent."""

    def __init__(self, spec: ChildSpec, connection: socket.socket, log: _ToParent) -> None:
        self._connection, self._log, self._metrics = connection, log, Metrics()
        self._tasks = _Tasks(Isolation(spec.kind.value, spec.id, Metrics()))
        self._isolated = _built(spec, self._metrics, self._tasks)
        self.component = self._isolated.component
        self._caller = SinkCaller(self._isolated) if spec.kind is Kind.SINK else None  # type: ignore[arg-type]  # a sink
        self._batches: AsyncIterator[object] | None = None

    def built(self, spec: ChildSpec) -> BuiltMessage:
        """Return the description of the component for the parent."""
        component = self.component
        offered = [one.member for one in capabilities(spec.kind) if isinstance(component, one.protocol)]
        demand = component.demand() if isinstance(component, Evaluator) else None
        digest = component.rules_digest() if isinstance(component, DigestsRules) else ""
        names = tuple(component.rule_names()) if isinstance(component, NamesRules) else ()
        return BuiltMessage("", tuple(offered), demand, digest, names)

    async def serve(self) -> None:
        """Answer calls until the parent has closed the connection; the process then exits."""
        loop = asyncio.get_running_loop()
        self._connection.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=self._connection)
        self._writer = writer
        self._log.send = lambda data: loop.call_soon_threadsafe(writer.write, data)
        async with asyncio.TaskGroup() as group:
            self._tasks.own(group)
            group.create_task(self._live(), name="signs of life")
            while True:
                try:
                    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                    message = of_parent(await reader.readexactly(length))
                except (asyncio.IncompleteReadError, ConnectionError):
                    os._exit(0)
                assert isinstance(message, CallMessage)
                group.create_task(self._answer(message), name=f"call {message.method} at {loop.time():.0f}")

    async def _answer(self, call: CallMessage) -> None:
        reply = ReplyMessage(call.number)
        with self._isolated.owned():
            try:
                reply.value = await self._call(call.method, call.arguments)
                data = packed(reply)
            except BaseException as error:  # noqa: BLE001  it is the parent's answer
                data = packed(ReplyMessage(call.number, None, text_of(error), type(error).__name__))
        if isinstance(self.component, Source):
            self._writer.write(packed(self._life()))
        self._writer.write(data)
        await self._writer.drain()

    async def _call(self, method: str, arguments: tuple[object, ...]) -> object:
        if method == "next":
            if self._batches is None:
                self._batches = aiter(self.component.batches())  # type: ignore[attr-defined]  # a source
            return await anext(self._batches, None)
        function = attrgetter(method)(self.component)
        if self._caller is not None:
            return await self._caller.call(lambda: function(*arguments))
        result = function(*arguments)
        return await result if isinstance(result, Awaitable) else result

    async def _live(self) -> None:
        while True:
            self._writer.write(packed(self._life()))
            await asyncio.sleep(_LIFE)

    def _life(self) -> LifeMessage:
        counts: object = None
        if isinstance(self.component, Source):
            with contextlib.suppress(Exception):  # what it cannot write is lost
                counts = dict(self.component.counts())
        return LifeMessage(counts, tuple(self._metrics.collect()))


def _built(spec: ChildSpec, metrics: Metrics, tasks: _Tasks) -> Isolated[object]:
    registry = Registry()
    if spec.plugin not in BUILTINS[spec.kind]:
        registry.load(spec.entry_point)
    plugin = registry.plugin(spec.kind, spec.plugin)
    names = Lookups()
    names.hostname = spec.hostname
    fields = FieldRegistry(builtin_fields(names), names)
    registry.add_fields(fields)
    isolated = Isolated[object](spec.kind.value, spec.id, None, Metrics())
    context = Context(
        id=spec.id, log=isolated.log, metrics=metrics, fields=fields, offline=spec.offline,
        requested_fields=spec.requested_fields, content_type=spec.content_type, schema=spec.schema,
        spawn=tasks.spawn, lookups=AnyLookupTable(), event_types=registry.event_types(), state_path=spec.state_path,
    )  # fmt: skip
    declaration = plugin.declaration
    keep_memory([spec.settings])
    hide_secrets(spec.settings)
    component = declaration.build(spec.settings, context)  # type: ignore[union-attr]  # the parent has checked its kind
    hosted = on_thread(declaration.blocking, spec.kind, spec.id, component)  # type: ignore[union-attr]  # the same
    return Isolated(spec.kind.value, spec.id, hosted, Metrics(), blocking=declaration.blocking)  # type: ignore[union-attr]  # the same


async def _main(connection: socket.socket, spec: ChildSpec, log: _ToParent) -> None:
    try:
        child = Child(spec, connection, log)
        connection.sendall(packed(child.built(spec)))
    except BaseException as error:  # noqa: BLE001  the parent says why there is no component
        connection.sendall(packed(BuiltMessage(f"{type(error).__name__}: {text_of(error)}")))
        return
    await child.serve()


def main() -> None:
    """Run the process. Its arguments are the descriptors of the connection and of the alerts."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):  # the terminal, pkill: the child, too
        signal.signal(number, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    use(int(sys.argv[2]))
    data = bytearray()
    while len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]:
        part = connection.recv(1 << 16)
        if not part:
            return
        data += part
    spec = of_parent(bytes(data[LENGTH.size :]))
    assert isinstance(spec, ChildSpec)
    root = logging.getLogger()
    log = _ToParent(connection.sendall)
    root.handlers[:] = [log]
    root.setLevel(spec.level)
    run(_main(connection, spec, log))
    os._exit(0)


if __name__ == "__main__":
    main()
