"""The event loop of a run: exceptions from callbacks, protocols and tasks of components are contained and attributed.

A callback that raises SystemExit or KeyboardInterrupt, or a task that nothing awaits, would end the loop and with it
mozu. Here that is a failure of the component to which the callback, the task or the protocol belongs: the one during
whose call it was made (`OWNER`), or else the one whose package raised the exception. The loop continues.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import uvloop

from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolation
from mozu.core.isolation.owner import OWNER
from mozu.core.runtime.stack_owners import StackOwners

T = TypeVar("T")

_log = logging.getLogger("mozu.loop")

_DOING: Final = "run a callback or a task of its own"
_MAKERS: Final = (
    "connect_read_pipe", "connect_write_pipe", "create_connection", "create_datagram_endpoint", "create_server",
    "create_unix_connection", "create_unix_server",
)  # fmt: skip
"""Methods of a loop whose first argument makes protocols."""
_SCHEDULERS: Final = {
    "add_reader": 1, "add_writer": 1, "call_at": 1, "call_later": 1, "call_soon": 0, "call_soon_threadsafe": 0,
}  # fmt: skip
"""Methods of a loop that take a callback → index of the callback among the arguments."""


class OwnedTask(asyncio.Task[T]):
    """A task that a component can cancel only if the component made the task, or while the task waits in one of the
    component's calls (`asyncio.timeout` cancels the task that uses it)."""

    own_context: Context
    made_by: Isolation | None = None
    by_components = 0
    """The number of cancellation requests that came from components."""

    def cancel(self, msg: object = None) -> bool:
        """Cancel the task, unless the request comes from code of a component to which the task does not belong."""
        caller = OWNER.get()
        if caller is None or caller.is_same(self.made_by):
            return super().cancel(msg)
        if not caller.is_same(self.own_context.get(OWNER)) or asyncio.current_task() is self:
            error = NotItsOwn(f"it has cancelled {self.get_name()}, a task that is not its own, which goes on")
            caller.failed("leave other tasks alone", error)
            return False
        self.by_components += 1
        return super().cancel(msg)

    def uncancel(self) -> int:
        """Take back one request to cancel the task."""
        self.by_components = max(0, self.by_components - 1)
        return super().uncancel()


class NotItsOwn(Exception):
    """A component's attempt to change what belongs to mozu or to another component."""


class ContainedLoop(uvloop.Loop):
    """A uvloop whose callbacks end nothing but themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.owners = StackOwners()
        """Owners of stacks, for code whose context names no owner."""
        self._owners: WeakKeyDictionary[object, Isolation] = WeakKeyDictionary()
        """Protocol → the component during whose call it was made."""
        self._contexts: WeakKeyDictionary[asyncio.Task[object], Context] = WeakKeyDictionary()
        """Task → its context, which Python before 3.12 does not expose."""
        self._has_ended: Callable[[], bool] = lambda: True
        """True once the future that `run_until_complete` waits for is done."""
        self._callback_owner: Isolation | None = None
        """The component whose callback runs; None if no component's does."""
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]  # uvloop's annotation lets no factory pass
        self.set_exception_handler(_contain)
        for name in _MAKERS:
            setattr(self, name, self._noting(getattr(self, name)))
        for name, position in _SCHEDULERS.items():
            setattr(self, name, self._guarding(getattr(self, name), position))

    def run_until_complete(  # type: ignore[override]  # no caller gives a bare generator
        self, future: Awaitable[T]
    ) -> T:
        """Run until the future is done, as asyncio does, but contain a SystemExit or KeyboardInterrupt that a callback
        raises."""
        task = asyncio.ensure_future(future, loop=self)
        self._has_ended = task.done
        while True:
            try:
                result: T = super().run_until_complete(task)
                return result
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done() or is_ours(error):
                    raise
                self.contain(error)

    def stop(self) -> None:
        """Stop the loop if its main future is done; before that, a component that asks for it has failed."""
        if self._has_ended():
            super().stop()
            return
        error = NotItsOwn("it has stopped the event loop, which goes on")
        owner = OWNER.get() or next(iter(self.owners.of_stack(sys._getframe(1))), None)
        if owner is None:
            _log.error("code of unknown origin: %s", error)
        else:
            owner.failed("leave the event loop alone", error)

    def contain(self, error: BaseException, *made: object) -> None:
        """Count and log an exception of a callback. `made` has the task or the protocol to which the callback
        belongs."""
        owner = OWNER.get() or next(filter(None, map(self._owner_of, made)), None) or self.owners.of_error(error)
        if owner is None:
            _log.error("a callback of unknown origin failed", exc_info=error)
        else:
            owner.failed(_DOING, error, dedup_by_type=False)
            owner.has_held |= isinstance(error, Interrupted)

    def _owner_of(self, made: object) -> Isolation | None:
        if isinstance(made, asyncio.Task) and made in self._contexts:
            return self._contexts[made].get(OWNER)
        try:
            return self._owners.get(made)
        except TypeError:  # not weakly referenced, or not hashable: None for one, or some protocol
            return None

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[object, None, T],
        context: Context | None = None,
        name: str | None = None,
        eager_start: bool | None = None,
    ) -> "asyncio.Task[T]":
        """Make a task. Python passes `name` and `eager_start` since 3.13.3; no task starts before its owner is
        known."""
        own = copy_context() if context is None else context
        task = OwnedTask(work, loop=loop, context=own, name=name)
        task.own_context, task.made_by = own, OWNER.get() if context is None else context.get(OWNER)
        self._contexts[task] = own
        return task

    def owner(self) -> Isolation | None:
        """Return the component whose task or callback runs in the loop at this moment, or None. Callable on any
        thread."""
        task = asyncio.current_task(self)
        if task is None:
            return self._callback_owner
        context = self._contexts.get(task)
        return None if context is None else context.get(OWNER)

    def _note(self, made: object, owner: Isolation | None) -> None:
        if owner is not None:
            try:
                self._owners[made] = owner
            except TypeError:  # a protocol with __slots__: found by its module
                return

    def _guarding(self, method: Callable[..., T], position: int) -> Callable[..., T]:
        """Return the method, wrapped so that callbacks of components do not end the loop."""

        def call(*arguments: object, context: Context | None = None) -> T:
            if _guarding_is_needed(context):
                callback = arguments[position]
                assert callable(callback)
                arguments = (*arguments[:position], self._guarded(callback), *arguments[position + 1 :])
            return method(*arguments) if context is None else method(*arguments, context=context)

        return call

    def _guarded(self, callback: Callable[..., object]) -> Callable[..., None]:
        def guarded(*arguments: object) -> None:
            self._callback_owner = OWNER.get()
            try:
                callback(*arguments)
            except (SystemExit, KeyboardInterrupt) as error:  # others come to the loop's exception handler
                if is_ours(error):
                    raise
                self.contain(error)
            finally:
                self._callback_owner = None

        return guarded

    def _noting(self, method: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """Return the method, wrapped so that protocols it makes are noted as the calling component's."""

        def call(factory: Callable[[], object], *arguments: object, **keywords: object) -> Awaitable[object]:
            owner = OWNER.get()

            def make() -> object:
                protocol = factory()
                self._note(protocol, owner)
                return protocol

            return method(make, *arguments, **keywords)

        return call


def _guarding_is_needed(context: Context | None) -> bool:
    return (OWNER.get() if context is None else context.get(OWNER)) is not None


def _contain(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Contain an exception; the loop's exception handler."""
    error = context.get("exception")
    if isinstance(loop, ContainedLoop) and isinstance(error, BaseException):
        loop.contain(error, *(context.get(name) for name in ("task", "future", "protocol")))
    else:
        loop.default_exception_handler(context)


class ContainedThreads:
    """A context in which an exception that ends a component's thread, SystemExit too, is logged and counted as the
    component's failure."""

    def __init__(self, owners: StackOwners) -> None:
        self._owners = owners
        self._before = threading.excepthook

    def __enter__(self) -> None:
        threading.excepthook = self._contain

    def __exit__(self, *_: object) -> None:
        threading.excepthook = self._before

    def _contain(self, arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        owner = None if error is None else self._owners.of_error(error)
        if owner is None or error is None:
            self._before(arguments)
        else:
            name = arguments.thread.name if arguments.thread is not None else "unnamed"
            owner.failed(f"run its thread {name}", error, dedup_by_type=False)
