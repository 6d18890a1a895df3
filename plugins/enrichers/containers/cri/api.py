"""The Container Runtime Interface, version 1, over a unix socket: the calls about containers and their pods.

Field numbers are those of `k8s.io/cri-api/pkg/apis/runtime/v1/api.proto`.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.grpc_calls import GrpcCalls
from mozu.core.common.protobuf import decode, flag_field, message_field, messages, text, text_field
from mozu.plugins.enrichers.containers.cri.answers import (
    CriContainer,
    CriEvent,
    CriImage,
    CriSandbox,
    read_container,
    read_event,
    read_image,
    read_sandbox,
)

_RUNTIME: Final = "/runtime.v1.RuntimeService"
_IMAGES: Final = "/runtime.v1.ImageService"


class CriServer(msgspec.Struct, frozen=True):
    """The runtime that serves the interface."""

    name: str
    version: str


class CriApi:
    """A client of one socket. Calls raise what those of `GrpcCalls` raise, and ValueError if the answer is no
    message."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._calls = GrpcCalls(socket, timeout)

    def close(self) -> None:
        """Close the connection. Idempotent; the next call connects again."""
        self._calls.close()

    async def server(self) -> CriServer:
        """Return name and version of the runtime."""
        answer = decode(await self._calls.call(f"{_RUNTIME}/Version", b"") or b"")
        return CriServer(text(answer, 2), text(answer, 3))

    async def container(self, full_id: str) -> CriContainer | None:
        """Return a container of a pod; None if the runtime has none of that id, also for the id of a sandbox."""
        request = text_field(1, full_id) + flag_field(2, value=True)
        answer = await self._calls.call(f"{_RUNTIME}/ContainerStatus", request)
        if answer is None:
            return None
        found = read_container(decode(answer))
        if found.sandbox_id:
            return found
        return msgspec.structs.replace(found, sandbox_id=await self._sandbox_of(full_id))

    async def sandbox(self, full_id: str) -> CriSandbox | None:
        """Return the sandbox of a pod; None if the runtime has none of that id."""
        request = text_field(1, full_id) + flag_field(2, value=True)
        answer = await self._calls.call(f"{_RUNTIME}/PodSandboxStatus", request)
        return None if answer is None else read_sandbox(decode(answer))

    async def image(self, reference: str) -> CriImage | None:
        """Return an image by a name or its id; None if the runtime has no such image."""
        request = message_field(1, text_field(1, reference))
        answer = await self._calls.call(f"{_IMAGES}/ImageStatus", request)
        return None if answer is None else read_image(decode(answer))

    async def events(self) -> AsyncIterator[CriEvent]:
        """Yield events of containers from now on. Raises Unimplemented if the runtime has no such stream."""
        async for answer in self._calls.answers(f"{_RUNTIME}/GetContainerEvents", b""):
            yield read_event(decode(answer))

    async def _sandbox_of(self, full_id: str) -> str:
        """Return the sandbox of a container, for runtimes whose status does not contain it; empty if unknown."""
        request = message_field(1, text_field(1, full_id))
        answer = decode(await self._calls.call(f"{_RUNTIME}/ListContainers", request) or b"")
        return next((text(one, 2) for one in messages(answer, 1) if text(one, 1) == full_id), "")
