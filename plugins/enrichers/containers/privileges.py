"""The privileges for reading container runtimes, named as in capabilities(7)."""

from collections.abc import Iterator

from mozu.core.api import Privilege
from mozu.plugins.enrichers.containers.settings import (
    ContainerdSettings,
    ContainersSettings,
    CriSettings,
    DockerSettings,
    PodmanSettings,
)


def docker_privileges(settings: DockerSettings) -> Iterator[Privilege]:
    """Yield the privileges for the engine's socket and its files."""
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose=f"connect to {settings.socket} without being in the group of the socket",
        without="what only the engine's API says is not known: containers are described from its files",
    )
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose="read the engine's files, which describe a container before its first instruction",
        without="a container is known once the engine answers, so its first events may be without name and image",
    )


def containerd_privileges(settings: ContainerdSettings) -> Iterator[Privilege]:
    """Yield the privileges for containerd's state directory and its socket."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose=f"read the tasks below {settings.state}, which describe a container before its first instruction",
        without="a container is known once containerd answers, and if it may not be asked, not at all",
    )
    if settings.socket is not None:
        yield Privilege(
            capability="CAP_DAC_OVERRIDE",
            purpose=f"connect to {settings.socket} without being in the group of the socket",
            without="image and labels of containers that no Kubernetes has made are not known",
        )


def cri_privileges(settings: CriSettings) -> Iterator[Privilege]:
    """Yield the privileges for the sockets."""
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose=f"connect to {settings.sockets[0] if settings.sockets else 'a socket'} without being in its group",
        without="pods are known by the files of their runtime alone, if an enricher reads these",
    )


def podman_privileges(settings: PodmanSettings) -> Iterator[Privilege]:
    """Yield the privileges for podman's storage."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose=f"read {settings.storage[0] if settings.storage else 'the storage'} and that of users",
        without="containers of podman have an id, and nothing else is known of them",
    )


def containers_privileges(settings: ContainersSettings) -> Iterator[Privilege]:
    """Yield the privileges that the runtimes need together."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose="read the files of container runtimes, which describe a container before its first instruction",
        without="a container is known once its runtime answers, and podman's not at all",
    )
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose="connect to the sockets of container runtimes without being in their groups",
        without="what only their APIs say is not known",
    )
