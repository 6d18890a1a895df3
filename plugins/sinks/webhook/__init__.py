"""Sink `webhook`: alerts in HTTP requests, signed, batched, and acknowledged by the response alone.

    settings, private_addresses             the configuration, and addresses that are refused before anything is sent
    body_template, template_values, templates              bodies made from alerts
    signature                               a request's signatures (batches of alerts: core/common/alert_batches)
    ssrf_guard, endpoint, response          one request, and the meaning of its response for its alerts
    circuit_breaker, delivery, sink         sending, retrying, splitting and holding back of requests
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SinkDeclaration, hookimpl
from mozu.plugins.sinks.webhook.settings import WebhookSettings

if TYPE_CHECKING:
    from mozu.plugins.sinks.webhook.sink import WebhookSink


def build(settings: WebhookSettings, context: Context) -> "WebhookSink":
    """Build the sink. Raises ConfigError if a certificate cannot be used."""
    from mozu.plugins.sinks.webhook import sink  # imports aiohttp: only where the sink is used

    return sink.build(settings, context)


@hookimpl
def mozu_components() -> SinkDeclaration[WebhookSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="webhook",
        build=build,
        settings=WebhookSettings,
        summary="Alerts in HTTP requests: signed, batched, in the body that the receiver wants.",
    )
