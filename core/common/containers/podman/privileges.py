"""The privileges for reading podman, named as in capabilities(7)."""

from collections.abc import Iterator

from mozu.core.api import Privilege
from mozu.core.common.containers.podman.settings import PodmanSettings


def podman_privileges(settings: PodmanSettings) -> Iterator[Privilege]:
    """Yield the privileges for podman's storage."""
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH",
        purpose=f"read {settings.storage[0] if settings.storage else 'the storage'} and that of users",
        without="containers of podman have an id, and nothing else is known of them",
    )
