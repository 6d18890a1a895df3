"""The privileges for asking a runtime of Kubernetes, named as in capabilities(7)."""

from collections.abc import Iterator

from mozu.core.api import Privilege
from mozu.core.common.containers.cri.settings import CriSettings


def cri_privileges(settings: CriSettings) -> Iterator[Privilege]:
    """Yield the privileges for the sockets."""
    yield Privilege(
        capability="CAP_DAC_OVERRIDE",
        purpose=f"connect to {settings.sockets[0] if settings.sockets else 'a socket'} without being in its group",
        without="pods are known by the files of their runtime alone, if an enricher reads these",
    )
