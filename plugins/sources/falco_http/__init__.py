"""Source `falco_http`: the alerts of a running Falco, over its own HTTP output or falcosidekick's.

    settings            the configuration
    body                one alert, an array, lines of them, or lines of text
    source              the component

mozu.core.common.http listens and receives; Falco's alerts are parsed by mozu.core.common.falco_alerts.
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.core.common.http.bind_privilege import bind_privilege
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings

if TYPE_CHECKING:
    from mozu.plugins.sources.falco_http.source import FalcoHttpSource

def build(settings: FalcoHttpSettings, context: Context) -> "FalcoHttpSource":
    """Build the source."""
    from mozu.plugins.sources.falco_http.source import FalcoHttpSource  # imports aiohttp: only where it is used

    return FalcoHttpSource(settings, context)


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
        privileges=bind_privilege,
    )
