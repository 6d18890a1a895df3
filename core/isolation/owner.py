"""The owner of the running code: a context variable, inherited by tasks, timers and callbacks from the call that made
them."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mozu.core.isolation.isolated import Isolation

OWNER: Final[ContextVar["Isolation | None"]] = ContextVar("mozu_owner", default=None)
"""The component whose call runs, or whose call has made the running code; None for the core's own code."""
