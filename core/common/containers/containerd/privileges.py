"""The privileges for reading containerd, named as in capabilities(7)."""

from collections.abc import Iterator

from mozu.core.api import Privilege
from mozu.core.common.containers.containerd.settings import ContainerdSettings


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
