"""The requests that an engine takes about one of its containers."""

from typing import Protocol

import msgspec


class EngineContainer(msgspec.Struct, frozen=True):
    """The state of a container that runs, or is paused."""

    pid: int
    """Pid of the first process, as the host counts."""
    is_paused: bool = False


class EngineControl(Protocol):
    """A client of one engine. Calls raise OSError (TimeoutError included) or RuntimeError if it refuses or is
    absent."""

    async def state(self, full_id: str) -> EngineContainer | None:
        """Return the state; None if there is no such container, or it does not run."""

    async def pause(self, full_id: str) -> None:
        """Freeze the container's processes, with the engine's knowledge."""

    async def resume(self, full_id: str) -> None:
        """Undo a pause."""

    async def kill(self, full_id: str) -> None:
        """Send SIGKILL: even with a restart policy, the engine does not start the container again."""
