"""containerd's API over its unix socket: three calls of gRPC.

Services and field numbers are those of containerd's `api/services/{containers,images,namespaces}/v1`.
"""

from pathlib import Path
from typing import Final

from mozu.core.common.containers.containerd.describe import StoredContainer
from mozu.core.common.containers.containerd.files import DOCKER
from mozu.core.common.containers.grpc_calls import GrpcCalls
from mozu.core.common.containers.protobuf import data_of, decode, integer, messages, text, text_field, texts

_SERVICES: Final = "/containerd.services"


class ContainerdApi:
    """One containerd. Calls raise what those of `GrpcCalls` raise, and ValueError where the answer is no message."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._calls = GrpcCalls(socket, timeout)

    def close(self) -> None:
        """Close the connection. Idempotent; the next call connects again."""
        self._calls.close()

    async def namespaces(self) -> list[str]:
        """The names of all namespaces but docker's."""
        answer = await self._call(f"{_SERVICES}.namespaces.v1.Namespaces/List", b"", "")
        names = (text(one, 1) for one in messages(decode(answer or b""), 1))
        return [name for name in names if name != DOCKER]

    async def container(self, namespace: str, container_id: str) -> StoredContainer | None:
        """One container; None where the namespace has none of that id."""
        request = text_field(1, container_id)
        answer = await self._call(f"{_SERVICES}.containers.v1.Containers/Get", request, namespace)
        if answer is None:
            return None
        found = decode(data_of(decode(answer), 1))
        moment = decode(data_of(found, 8))
        return StoredContainer(
            image=text(found, 3),
            labels=texts(found, 2),
            spec=data_of(decode(data_of(found, 5)), 2),
            created=integer(moment, 1) * 1_000_000_000 + integer(moment, 2),
        )

    async def image_digest(self, namespace: str, name: str) -> str:
        """The digest that an image's name stands for; empty where the namespace has no such name."""
        answer = await self._call(f"{_SERVICES}.images.v1.Images/Get", text_field(1, name), namespace)
        if answer is None:
            return ""
        return text(decode(data_of(decode(data_of(decode(answer), 1)), 3)), 2)

    async def _call(self, method: str, request: bytes, namespace: str) -> bytes | None:
        """The answer; None for NOT_FOUND."""
        return await self._calls.call(method, request, {"containerd-namespace": namespace} if namespace else {})
