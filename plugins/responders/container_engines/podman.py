"""Control of podman's containers by its command line, as root: it does not know those of other users."""

from collections.abc import Sequence
from typing import Final

from mozu.core.common.programs import run_program
from mozu.plugins.responders.container_engines.control import EngineContainer

_STATE: Final = "{{.State.Pid}} {{.State.Status}}"


class PodmanControl:
    """A client of podman. `command`: podman, with options that say where its containers are."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        self._command, self._timeout = tuple(command), timeout

    async def state(self, full_id: str) -> EngineContainer | None:
        """Return the container's state; see `EngineControl`."""
        if not await self._exists(full_id):
            return None
        pid, status = (await self._output("container", "inspect", "--format", _STATE, full_id)).split()
        return EngineContainer(int(pid), status == "paused") if status in ("running", "paused") else None

    async def pause(self, full_id: str) -> None:
        """Pause the container; see `EngineControl`."""
        await self._output("pause", full_id)

    async def resume(self, full_id: str) -> None:
        """Resume the container; see `EngineControl`."""
        await self._output("unpause", full_id)

    async def kill(self, full_id: str) -> None:
        """Kill the container; see `EngineControl`."""
        await self._output("kill", "--signal", "KILL", full_id)

    async def _exists(self, full_id: str) -> bool:
        """Return False on exit code 1, for a container that does not exist (podman-container-exists(1))."""
        command = (*self._command, "container", "exists", full_id)
        return (await run_program(command, seconds=self._timeout)).code != 1

    async def _output(self, *arguments: str) -> str:
        done = await run_program((*self._command, *arguments), seconds=self._timeout)
        if done.code:
            raise RuntimeError(f"podman {arguments[0]}: {done.errors.strip()[:500]}")
        return done.output
