"""Sink `webhook`: alerts in HTTP requests, signed, batched, and acknowledged by the answer alone.

    settings, addresses, tls    what may be configured, and what is refused before anything is sent
    template, shipped, values   bodies made from alerts
    groups, signature           which alerts share a request, its id and its signatures
    guard, endpoint, answer     one request and what its answer means for the alerts in it
    circuit, delivery, sink     what is sent, and when, and when not
    veil                        secrets kept out of every text
"""

from mozu.core.api.hookspecs import Declaration, hookimpl
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build


@hookimpl
def mozu_sink() -> Declaration:
    """Declare the sink."""
    return Declaration(
        name="webhook",
        build=build,
        settings=WebhookSettings,
        summary="Alerts in HTTP requests: signed, batched, in the body that the receiver wants.",
    )
