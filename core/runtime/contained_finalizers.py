"""Containment of finalizers: Python prints and drops what `__del__` and the callbacks of weak references raise.

During a run such an exception is a failure of the component whose code raised it. The exception that breaks off a late
call is none: a finalizer that it strikes by chance loses it, and it is raised again (`core/isolation/interrupter.py`).
"""

import sys
from typing import TYPE_CHECKING

from mozu.core.isolation.interrupter import Interrupted
from mozu.core.runtime.stack_owners import StackOwners

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


class ContainedFinalizers:
    """A context in which failures of finalizers are logged and counted."""

    def __init__(self, owners: StackOwners) -> None:
        self._owners = owners
        self._before = sys.unraisablehook

    def __enter__(self) -> None:
        self._before = sys.unraisablehook
        sys.unraisablehook = self._contain

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._before

    def _contain(self, arguments: "UnraisableHookArgs") -> None:
        error = arguments.exc_value
        if isinstance(error, Interrupted):
            return
        # The current context does not say whose object it is: objects are collected in whatever context runs then.
        owner = None if error is None else self._owners.of_error(error)
        if owner is None or error is None:
            self._before(arguments)
        else:
            owner.failed("finalize an object", error)
