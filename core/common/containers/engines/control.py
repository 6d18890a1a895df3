"""What an engine is asked for about one of its containers."""

from typing import Protocol

import msgspec


class EngineContainer(msgspec.Struct, frozen=True):
    """Of a container that runs, or is paused."""

    pid: int
    """Its first process, as the host counts."""
    is_paused: bool = False


class EngineControl(Protocol):
    """One engine. Calls raise OSError (TimeoutError among them) or RuntimeError where it refuses or is not there."""

    async def state(self, full_id: str) -> EngineContainer | None:
        """None: it has no such container, or that does not run."""

    async def pause(self, full_id: str) -> None:
        """Freeze its processes, and know that."""

    async def resume(self, full_id: str) -> None:
        """Undo that."""

    async def kill(self, full_id: str) -> None:
        """SIGKILL: where it has a restart policy, the engine does not start it again."""
