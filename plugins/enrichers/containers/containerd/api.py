"""The API of containerd over its unix socket: four calls of gRPC.

Services and field numbers are those of containerd's `api/services/{containers,content,images,namespaces}/v1`.
"""

from pathlib import Path
from typing import Final

from mozu.core.common.grpc_calls import GrpcCalls
from mozu.core.common.protobuf import Message, data_of, decode, integer, messages, text, text_field, texts
from mozu.plugins.enrichers.containers.containerd.describe import StoredContainer
from mozu.plugins.enrichers.containers.containerd.files import DOCKER
from mozu.plugins.enrichers.containers.containerd.image_content import config_of, image_id, manifests_of

_SERVICES: Final = "/containerd.services"


class ContainerdApi:
    """A client of one containerd. Calls raise what those of `GrpcCalls` raise, and ValueError if the answer is no
    message."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._calls = GrpcCalls(socket, timeout)

    def close(self) -> None:
        """Close the connection. Idempotent; the next call connects again."""
        self._calls.close()

    async def namespaces(self) -> list[str]:
        """Return the names of all namespaces but docker's."""
        answer = await self._call(f"{_SERVICES}.namespaces.v1.Namespaces/List", b"", "")
        names = (text(one, 1) for one in messages(decode(answer or b""), 1))
        return [name for name in names if name != DOCKER]

    async def container(self, namespace: str, container_id: str) -> StoredContainer | None:
        """Return one container; None if the namespace has none of that id."""
        request = text_field(1, container_id)
        answer = await self._call(f"{_SERVICES}.containers.v1.Containers/Get", request, namespace)
        if answer is None:
            return None
        found = decode(data_of(decode(answer), 1))
        image, created = text(found, 3), _time(found, 8)
        digest, id_ = await self._image(namespace, image, created) if image else (None, None)
        return StoredContainer(
            image=image,
            labels=texts(found, 2),
            spec=data_of(decode(data_of(found, 5)), 2),
            created=created,
            digest=digest,
            image_id=id_,
        )

    async def _image(self, namespace: str, name: str, created: int) -> tuple[str | None, str | None]:
        """Return (digest, id) of the image with this name; None for both if the name has been given to another image
        since the container was made, or to none."""
        answer = await self._call(f"{_SERVICES}.images.v1.Images/Get", text_field(1, name), namespace)
        image = {} if answer is None else decode(data_of(decode(answer), 1))
        if not image or _time(image, 8) > created:
            return None, None
        digest = text(decode(data_of(image, 3)), 2)
        labels = await self._content_labels(namespace, digest)
        manifests = [await self._content_labels(namespace, one) for one in manifests_of(labels)]
        return digest or None, image_id([config_of(labels), *map(config_of, manifests)])

    async def _content_labels(self, namespace: str, digest: str) -> dict[str, str]:
        answer = await self._call(f"{_SERVICES}.content.v1.Content/Info", text_field(1, digest), namespace)
        return {} if answer is None else texts(decode(data_of(decode(answer), 1)), 5)

    async def _call(self, method: str, request: bytes, namespace: str) -> bytes | None:
        """Return the answer; None for NOT_FOUND."""
        return await self._calls.call(method, request, {"containerd-namespace": namespace} if namespace else {})


def _time(message: Message, number: int) -> int:
    """Return a field of the type google.protobuf.Timestamp, in ns since the epoch."""
    moment = decode(data_of(message, number))
    return integer(moment, 1) * 1_000_000_000 + integer(moment, 2)
