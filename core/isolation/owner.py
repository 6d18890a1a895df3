"""Whose code runs now: a context variable, which tasks, timers and callbacks inherit from the call that made them."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mozu.core.isolation.isolated import Isolation

OWNER: Final[ContextVar["Isolation | None"]] = ContextVar("mozu_owner", default=None)
"""The component whose call this is, or whose call has made what runs now; None: the core's own code."""
