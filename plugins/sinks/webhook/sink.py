"""The sink `webhook`: batches alerts, posts them, and returns each alert's outcome; `stop` closes the session."""

import asyncio
from collections.abc import Sequence

import msgspec
import orjson

from mozu.core.api import ConfigError, Context, Outcome, Record
from mozu.core.common.alert_batches import AlertBatch, Batcher
from mozu.plugins.sinks.webhook.circuit_breaker import CircuitBreaker
from mozu.plugins.sinks.webhook.delivery import Delivery
from mozu.plugins.sinks.webhook.endpoint import Endpoint
from mozu.plugins.sinks.webhook.response import Response, Verdict
from mozu.plugins.sinks.webhook.settings import WebhookSettings


def build(settings: WebhookSettings, context: Context) -> "WebhookSink":
    """Build the sink. Raises ConfigError if a certificate cannot be used, or the format does not fit the template."""
    if settings.builtin is not None and settings.builtin.needs_json and "json" not in context.content_type:
        text = f"the template {settings.template} sends alerts as `format` writes them; set `format: ecs` or json"
        raise ConfigError([f"sink {context.id}: {text}"])
    try:
        return WebhookSink(settings, context)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None


class WebhookSink:
    """Sink that batches alerts into requests; the responses decide each alert's outcome."""

    def __init__(self, settings: WebhookSettings, context: Context) -> None:
        self._endpoint = Endpoint(settings)
        self._template, self._action = settings.parsed_body(), settings.parsed_action()
        self._builtin = settings.builtin
        self._batch = settings.batch_kind()
        self._part_type = "application/json" if self._template is not None else context.content_type
        self._content_type = settings.content_type or _media_type(self._batch, self._part_type)
        self._concurrency = settings.concurrency
        most = 1 if self._batch == "single" else settings.batch_records
        self._batcher = Batcher(most, settings.batch_bytes)
        self._circuit = CircuitBreaker(settings.circuit_failures, settings.circuit_seconds)
        self._log = context.log
        self._failing = False
        self._requests = {
            verdict: context.metrics.counter("webhook_requests_total", verdict=verdict.value) for verdict in Verdict
        }
        context.metrics.gauge("webhook_circuit_open", lambda: float(not self._circuit.closed))

    async def start(self) -> None:
        """Open the session; an absent endpoint is noticed with the first alert."""
        self._endpoint.open()
        if self._endpoint.is_cleartext:
            self._log.warning("%s gets credentials over plain http, where others can read them", self._endpoint)
        if self._endpoint.is_unverified:
            text = "%s: its certificate is not verified (tls.verify: false), so others on the way can read alerts"
            self._log.warning(text, self._endpoint)

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Send the records in requests; return the outcome of each."""
        batches = self._batcher.pack(records, [self._part(record) for record in records])
        delivery = Delivery(self._post, self._circuit, self._batcher, asyncio.get_running_loop().time)
        await delivery.run(batches, self._concurrency)
        return delivery.outcomes(records)

    async def check(self) -> str | None:
        """Return why alerts would be retried, as far as a request without an alert finds out. See
        `ChecksDestination`."""
        return await self._endpoint.check()

    async def stop(self) -> None:
        """Close connections. Idempotent."""
        await self._endpoint.close()

    def _part(self, record: Record) -> bytes:
        """Return one alert as the body, or as its part of the body."""
        if self._template is not None and self._action is not None:
            return self._action.render(record) + b"\n" + self._template.render(record)
        if self._template is not None:
            return self._template.render(record)
        if self._batch == "single" or record.body.startswith(b"{"):
            return record.body
        return orjson.dumps(record.body.decode("utf-8", "replace"))

    async def _post(self, batch: AlertBatch) -> Response:
        before, behind = (b"", b"") if self._builtin is None else self._builtin.envelope
        body = before + _joined(self._batch, batch.parts) + behind
        answer = await self._endpoint.post(body, batch.request_id(), self._content_type)
        self._log.debug("%s answered %s", self._endpoint, answer.reason)
        response = self._itemized(answer, len(batch.records))
        self._requests[response.verdict].value += 1
        self._log_change(response)
        return response

    def _itemized(self, response: Response, count: int) -> Response:
        """Return the response with the outcome of each alert, if the receiver's answer has them."""
        read = None if self._builtin is None else self._builtin.outcomes
        if read is None or response.verdict is not Verdict.ACCEPTED:
            return response
        outcomes = read(response.body, count)
        if outcomes is not None:
            return msgspec.structs.replace(response, outcomes=tuple(outcomes))
        why = "the endpoint's answer does not say what became of each alert"
        return Response(Verdict.RETRY, why, blames_body=True)

    def _log_change(self, response: Response) -> None:
        """Log once when the endpoint begins to fail, and once when it works again."""
        failing = response.verdict is Verdict.RETRY
        if failing and not self._failing:
            self._log.warning("%s does not take alerts, they are retried: %s", self._endpoint, response.reason)
        elif self._failing and not failing:
            self._log.info("%s takes alerts again", self._endpoint)
        self._failing = failing


def _joined(batch: str, parts: Sequence[bytes]) -> bytes:
    if batch == "array":
        return b"[" + b",".join(parts) + b"]"
    if batch == "ndjson":
        return b"".join(part + b"\n" for part in parts)
    return parts[0]


def _media_type(batch: str, part: str) -> str:
    """Return the media type of a body from that of its parts."""
    if batch == "ndjson":
        return "application/x-ndjson"
    if batch == "single":
        return part or "application/octet-stream"
    return "application/cloudevents-batch+json" if part == "application/cloudevents+json" else "application/json"
