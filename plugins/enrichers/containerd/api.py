"""containerd's API over its unix socket: three calls of gRPC, messages read without generated code.

Why grpclib: docs/adr/0040. It is imported when there is a socket, and not before. Services and field numbers are those
of containerd's `api/services/{containers,images,namespaces}/v1`.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from mozu.plugins.enrichers.containerd.describe import StoredContainer
from mozu.plugins.enrichers.containerd.files import DOCKER
from mozu.plugins.enrichers.containerd.protobuf import data_of, decode, integer, text, text_field, texts

_SERVICES: Final = "/containerd.services"


class _Bytes(CodecBase):
    """Messages go and come as they are."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class ContainerdApi:
    """One containerd. `timeout` (seconds) bounds every call; the connection is made by the first one.

    Calls raise OSError (TimeoutError and ConnectionError among them) where containerd is absent, slow, stops in the
    middle or refuses, and ValueError where it answers what is no message.
    """

    def __init__(self, socket: Path, timeout: float) -> None:
        self.socket = socket
        self._timeout = timeout
        self._channel: Channel | None = None

    def close(self) -> None:
        """Close the connection. Idempotent; the next call connects again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    async def namespaces(self) -> list[str]:
        """The names of all namespaces but docker's."""
        answer = await self._call(f"{_SERVICES}.namespaces.v1.Namespaces/List", b"", "")
        found = decode(answer or b"").get(1, [])
        names = (text(decode(one), 1) for one in found if isinstance(one, bytes))
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
        if self._channel is None:
            self._channel = Channel(path=str(self.socket), codec=_Bytes())
        call: UnaryUnaryMethod[bytes, bytes] = UnaryUnaryMethod(self._channel, method, bytes, bytes)
        metadata = {"containerd-namespace": namespace} if namespace else {}
        try:
            async with asyncio.timeout(self._timeout):
                return await call(request, metadata=metadata)
        except GRPCError as error:
            if error.status is Status.NOT_FOUND:
                return None
            raise ConnectionError(f"{error.status.name}: {error.message or 'it did not say why'}") from error
        except (StreamTerminatedError, ProtocolError) as error:
            raise ConnectionResetError(str(error) or type(error).__name__) from error
