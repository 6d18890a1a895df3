"""Control of containerd's containers through its API: the service `tasks`, whose field numbers are those of
`api/services/tasks/v1/tasks.proto` and `api/types/task/task.proto`."""

import re
import signal
from pathlib import Path
from typing import Final

from mozu.core.common.grpc_calls import GrpcCalls
from mozu.core.common.protobuf import data_of, decode, flag_field, integer, number_field, text_field
from mozu.plugins.responders.container_engines.control import EngineContainer

_TASKS: Final = "/containerd.services.tasks.v1.Tasks"
_TASK_DIRECTORY: Final = "io.containerd.runtime.v2.task"
"""Directory of NAMESPACE/ID below the state directory: the bundles of tasks."""
_DOCKER: Final = "moby"
"""The namespace of dockerd, which would not know of an act through containerd."""
_ID: Final = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
"""Pattern of containerd's identifiers (pkg/identifiers): none leads out of the directory."""
_RUNNING, _PAUSED, _PAUSING = 2, 4, 5


class ContainerdControl:
    """A client of one containerd. A container's namespace is that of the bundle with its id; if two have one, none
    counts."""

    def __init__(self, socket: Path, state: Path, timeout: float) -> None:
        self._calls, self._tasks = GrpcCalls(socket, timeout), state / _TASK_DIRECTORY

    async def state(self, full_id: str) -> EngineContainer | None:
        """Return the container's state; see `EngineControl`."""
        answer = await self._call("Get", full_id)
        if answer is None:
            return None
        process = decode(data_of(decode(answer), 1))
        status = integer(process, 4)
        if status not in (_RUNNING, _PAUSED, _PAUSING):
            return None
        return EngineContainer(integer(process, 3), status != _RUNNING)

    async def pause(self, full_id: str) -> None:
        """Pause the container; see `EngineControl`."""
        await self._do("Pause", full_id)

    async def resume(self, full_id: str) -> None:
        """Resume the container; see `EngineControl`."""
        await self._do("Resume", full_id)

    async def kill(self, full_id: str) -> None:
        """Kill all processes of the container, which may include some of the host's; see `EngineControl`."""
        await self._do("Kill", full_id, number_field(3, signal.SIGKILL) + flag_field(4, value=True))

    async def _do(self, method: str, full_id: str, more: bytes = b"") -> None:
        if await self._call(method, full_id, more) is None:
            raise ProcessLookupError("containerd has no task of this container")

    async def _call(self, method: str, full_id: str, more: bytes = b"") -> bytes | None:
        namespace = self._namespace(full_id)
        if namespace is None:
            return None
        request = text_field(1, full_id) + more
        try:
            return await self._calls.call(f"{_TASKS}/{method}", request, {"containerd-namespace": namespace})
        finally:
            self._calls.close()

    def _namespace(self, full_id: str) -> str | None:
        """Return the namespace with a task of this id; None if none or several have one."""
        if _ID.fullmatch(full_id) is None:
            return None
        bundles = [one for one in self._tasks.glob(f"*/{full_id}") if one.is_dir() and not one.is_symlink()]
        found = {one.parent.name for one in bundles} - {_DOCKER}
        return found.pop() if len(found) == 1 else None
