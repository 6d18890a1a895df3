"""The privilege that a receiver needs to listen at a port that is reserved for the system."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.api import Privilege
from mozu.core.common.http.receiver_settings import ReceiverSettings

_PORTS: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def bind_privilege(settings: ReceiverSettings) -> Iterator[Privilege]:
    """Yield the privilege to listen, if the port is reserved for the system."""
    if settings.listen is not None and settings.address().port < _first_free_port():
        yield Privilege(
            capability="CAP_NET_BIND_SERVICE", required=True, purpose=f"listen at {settings.listen}",
            without="the source cannot start; a port of 1024 or above needs no capability",
        )  # fmt: skip


def _first_free_port() -> int:
    try:
        return int(_PORTS.read_text())
    except OSError:  # no /proc
        return 1024
