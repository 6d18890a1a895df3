"""The privileges for reading a docker engine, named as in capabilities(7)."""

from collections.abc import Iterator

from mozu.core.api import Privilege
from mozu.core.common.containers.docker.settings import DockerSettings


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
