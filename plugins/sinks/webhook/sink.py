"""The sink itself."""

import asyncio
from collections.abc import Sequence

import orjson

from mozu.core.api import Context, Record
from mozu.core.api.hookspecs import Outcome
from mozu.core.errors import ConfigError
from mozu.plugins.sinks.webhook.answer import Answer, Verdict
from mozu.plugins.sinks.webhook.circuit import Circuit
from mozu.plugins.sinks.webhook.delivery import Delivery
from mozu.plugins.sinks.webhook.endpoint import Endpoint
from mozu.plugins.sinks.webhook.groups import AlertGroup, Groups
from mozu.plugins.sinks.webhook.settings import WebhookSettings


def build(settings: WebhookSettings, context: Context) -> "Webhook":
    """Raises ConfigError where a certificate cannot be used."""
    try:
        return Webhook(settings, context)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None


class Webhook:
    """Groups alerts into requests; what the answers say is each alert's outcome."""

    def __init__(self, settings: WebhookSettings, context: Context) -> None:
        self._endpoint = Endpoint(settings)
        self._template = settings.parsed_body()
        self._batch = settings.batch_kind()
        self._part_type = "application/json" if self._template is not None else context.content_type
        self._content_type = settings.content_type or _media_type(self._batch, self._part_type)
        self._concurrency = settings.concurrency
        most = 1 if self._batch == "single" else settings.batch_records
        self._groups = Groups(most, settings.batch_bytes)
        self._circuit = Circuit(settings.circuit_failures, settings.circuit_seconds)
        self._log = context.log
        self._troubled = False
        self._requests = {
            verdict: context.metrics.counter("webhook_requests_total", verdict=verdict.value) for verdict in Verdict
        }
        context.metrics.gauge("webhook_circuit_open", lambda: float(not self._circuit.closed))

    async def start(self) -> None:
        """An endpoint that is absent is found out with the first alert."""
        self._endpoint.open()
        if self._endpoint.in_the_clear:
            self._log.warning("%s gets credentials over plain http, where others can read them", self._endpoint)

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """The outcome of each."""
        groups = self._groups.pack(records, [self._part(record) for record in records])
        delivery = Delivery(self._post, self._circuit, self._groups, asyncio.get_running_loop().time)
        await delivery.run(groups, self._concurrency)
        return delivery.outcomes(records)

    async def stop(self) -> None:
        """Close connections. Idempotent."""
        await self._endpoint.close()

    def _part(self, record: Record) -> bytes:
        """One alert as the body, or as its part of it."""
        if self._template is not None:
            return self._template.render(record)
        if self._batch == "single" or record.body.startswith(b"{"):
            return record.body
        return orjson.dumps(record.body.decode("utf-8", "replace"))

    async def _post(self, group: AlertGroup) -> Answer:
        body = _joined(self._batch, group.parts)
        answer = await self._endpoint.post(body, group.ident(), self._content_type)
        self._requests[answer.verdict].value += 1
        self._tell(answer)
        return answer

    def _tell(self, answer: Answer) -> None:
        """Trouble is told when it begins and when it ends."""
        troubled = answer.verdict is Verdict.LATER
        if troubled and not self._troubled:
            self._log.warning("%s does not take alerts, they are tried again: %s", self._endpoint, answer.reason)
        elif self._troubled and not troubled:
            self._log.info("%s takes alerts again", self._endpoint)
        self._troubled = troubled


def _joined(batch: str, parts: Sequence[bytes]) -> bytes:
    if batch == "array":
        return b"[" + b",".join(parts) + b"]"
    if batch == "ndjson":
        return b"".join(part + b"\n" for part in parts)
    return parts[0]


def _media_type(batch: str, part: str) -> str:
    """The media type of a body from that of its parts."""
    if batch == "ndjson":
        return "application/x-ndjson"
    if batch == "single":
        return part or "application/octet-stream"
    return "application/cloudevents-batch+json" if part == "application/cloudevents+json" else "application/json"
