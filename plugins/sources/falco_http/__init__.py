"""Source `falco_http`: the alerts of a running Falco, over its own HTTP output or falcosidekick's.

    settings            the configuration, and the clients that may connect
    body                one alert, an array, lines of them, or lines of text
    request_queue       requests that are pending, in flight, acknowledged
    allowance           rate and quota of a token
    server              HTTP: authorization, the body, the response
    source              the component

mozu.core.common.http listens; Falco's alerts are parsed by mozu.core.common.falco_alerts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mozu.core.api import Context, Privilege, SourceDeclaration, hookimpl
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings

if TYPE_CHECKING:
    from mozu.plugins.sources.falco_http.source import FalcoHttpSource


_PORTS: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def build(settings: FalcoHttpSettings, context: Context) -> "FalcoHttpSource":
    """Build the source."""
    from mozu.plugins.sources.falco_http.source import FalcoHttpSource  # imports aiohttp: only where it is used

    return FalcoHttpSource(settings, context)


def privileges(settings: FalcoHttpSettings) -> Iterator[Privilege]:
    """Yield the privilege to listen, if the port is reserved for the system."""
    if settings.address().port < _first_free_port():
        yield Privilege(
            capability="CAP_NET_BIND_SERVICE", required=True, purpose=f"listen at {settings.listen}",
            without="the source cannot start; a port of 1024 or above needs no capability",
        )  # fmt: skip


def _first_free_port() -> int:
    try:
        return int(_PORTS.read_text())
    except OSError:  # no /proc
        return 1024


@hookimpl
def mozu_components() -> SourceDeclaration[FalcoHttpSettings]:
    """Declare the source."""
    return SourceDeclaration(
        name="falco_http",
        build=build,
        settings=FalcoHttpSettings,
        summary="Alerts of a Falco (http_output) or a falcosidekick, answered once they are safe.",
        live=False,
        changeable=frozenset({"token", "tokens", "max_bytes", "response_timeout", "rate", "quota"}),
        privileges=privileges,
    )
