"""Source `falco_http`: the alerts of a Falco that already runs, over its own HTTP output or falcosidekick's.

    settings            what may be configured, and who may connect
    times               moments as Falco writes them
    alerts              Falco's objects and lines as alerts
    body                one alert, an array, lines of them, or lines of text
    intake              what has come in, what is under way, what is settled
    server              HTTP: who may, how much, and the answer
    source              the component
"""

from mozu.core.api.hookspecs import Declaration, hookimpl
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings
from mozu.plugins.sources.falco_http.source import FalcoHttp


@hookimpl
def mozu_source() -> Declaration:
    """Declare the source."""
    return Declaration(
        name="falco_http",
        build=FalcoHttp,
        settings=FalcoHttpSettings,
        summary="Alerts of a Falco (http_output) or a falcosidekick, answered once they are safe.",
        live=False,
    )
