"""falcosidekick's configuration as sinks of mozu."""

from collections.abc import Iterator, Mapping
from typing import Final

from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.key_table import key_table
from mozu.core.runtime.falco_import.receivers import permission_note, receiver, with_headers
from mozu.core.runtime.falco_import.sidekick_outputs import SidekickOutputs, priority_name
from mozu.core.runtime.falco_import.sidekick_queues import S3, queue_sinks
from mozu.core.runtime.falco_import.tree_reader import with_defaults

_CHATS: Final = {
    "slack": "slack", "rocketchat": "slack", "mattermost": "slack", "teams": "teams", "discord": "discord",
    "googlechat": "text", "webex": "text", "cliq": "text",
}  # fmt: skip
"""Output → template, for the outputs that have a `webhookurl`."""
_PLAIN: Final = {
    "webhook": "address", "nodered": "address", "n8n": "address", "talon": "address", "tekton": "eventlistener",
}  # fmt: skip
"""Output → key of its address, for the outputs that take falcosidekick's own object."""
_PAGERDUTY: Final = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_DATES: Final = {"none": "", "monthly": "-$${year}.$${month}", "annually": "-$${year}"}
"""`elasticsearch.suffix` → what follows the name of the index; any other text is `daily`."""
_DAILY: Final = "-$${year}.$${month}.$${day}"
_MOST_REQUESTS: Final = 64


class SidekickTranslation(SidekickOutputs):
    """A translation of one configuration."""

    def __init__(self, tree: Mapping[str, Json]) -> None:
        super().__init__(tree)
        self._read = self.read
        self._configured = [str(name).lower() for name in tree]

    def sinks(self) -> list[Json]:
        """Return a sink for each output that is switched on."""
        found = [*self._chats(), *self._receivers(), *self._plain(), *queue_sinks(self)]
        for name in self._outputs_without_equal():
            output = name.partition(".")[0]
            self.notes.append(f"{name}: {key_table('sidekick')[f'{output}.*'].text}")
        return found

    def extra_fields(self) -> list[Json]:
        """Return `customfields` as `extra_fields` of `append_output`: constant texts in each alert's fields."""
        written = self._read.value("customfields")
        found: list[Json] = []
        for name, value in (written if isinstance(written, Mapping) else {}).items():
            text = with_defaults("" if value is None else str(value))
            if text.startswith("%"):
                text = f"${{{text[1:]}:-}}"
            if text and "%" not in text:
                found.append({name: text})
            else:
                reason = "a text that is empty or contains % cannot be a field here; write it into `append_output`"
                self.leave_out(reason, f"customfields.{name}")
        return found

    def _outputs_without_equal(self) -> Iterator[str]:
        for name in self._configured:
            fate = key_table("sidekick").get(f"{name}.*")
            outputs = self._read.value(name)
            if fate is None or fate.verdict != "no equal":
                continue
            if name in S3 and isinstance(outputs, Mapping):  # several outputs, which share keys of access
                others = {key: value for key, value in outputs.items() if isinstance(value, Mapping) and key != "s3"}
                yield from (f"{name}.{key}" for key, value in others.items() if _is_set(value))
            elif _is_set(outputs):
                yield name

    def _chats(self) -> Iterator[Json]:
        for name, template in _CHATS.items():
            url = self._read.text(f"{name}.webhookurl")
            if url:
                yield self._webhook(name, url, {"template": template})

    def _receivers(self) -> Iterator[Json]:
        read = self._read
        if read.text("pagerduty.routingkey"):
            url = _PAGERDUTY.get(read.text("pagerduty.region", "us"), _PAGERDUTY["us"]) + "/v2/enqueue"
            secrets: Json = {"routing_key": read.text("pagerduty.routingkey")}
            yield self._webhook("pagerduty", url, {"template": "pagerduty", "body_secrets": secrets})
        endpoint = read.text("alertmanager.endpoint", "/api/v2/alerts")
        hosts = [one.strip() for text in read.texts("alertmanager.hostport") for one in text.split(",")]
        for number, host in enumerate(filter(None, hosts), 1):
            yield self._webhook(
                "alertmanager" if number == 1 else f"alertmanager-{number}",
                host.rstrip("/") + endpoint, {"template": "alertmanager", **self._levels()}, output="alertmanager",
            )  # fmt: skip
        if read.text("elasticsearch.hostport"):
            yield self._elasticsearch()
        if read.text("splunk.host"):
            splunk: JsonObject = {"template": "splunk_hec", "token": read.text("splunk.token")}
            yield self._webhook("splunk", read.text("splunk.host"), splunk)
        if read.text("loki.hostport"):
            yield self._loki()
        if read.text("otlp.logs.endpoint"):
            yield self._otlp_logs()

    def _otlp_logs(self) -> Json:
        read = self._read
        milliseconds = read.number("otlp.logs.timeout", 0)
        more: JsonObject = {"timeout": milliseconds / 1000} if milliseconds else {}
        url = read.text("otlp.logs.endpoint")
        return self._webhook("otlp_logs", url, {"template": "otlp_logs", **more}, output="otlp.logs")

    def _levels(self) -> JsonObject:
        written = self._read.text("alertmanager.customseveritymap").split(",")
        pairs = [pair.partition(":") for pair in written if ":" in pair]
        levels: JsonObject = {priority_name(name): word.strip() for name, _, word in pairs}
        return {"levels": levels} if levels else {}

    def _elasticsearch(self) -> Json:
        read = self._read
        more: JsonObject = {"format": "json"}
        if read.text("elasticsearch.apikey"):
            more["token"] = read.text("elasticsearch.apikey")
        elif read.text("elasticsearch.username"):
            more["user"], more["password"] = read.text("elasticsearch.username"), read.text("elasticsearch.password")
        if read.flag("elasticsearch.enablecompression"):
            more["gzip"] = True
        if read.flag("elasticsearch.batching.enabled"):
            more["batch_bytes"] = read.number("elasticsearch.batching.batchsize", 5_242_880)
        more["index"] = self._index()
        pipeline = read.text("elasticsearch.pipeline")
        url = read.text("elasticsearch.hostport").rstrip("/") + "/_bulk" + (f"?pipeline={pipeline}" if pipeline else "")
        return self._webhook("elasticsearch", url, {"template": "elasticsearch", **more})

    def _index(self) -> str:
        read = self._read
        suffix = read.text("elasticsearch.suffix", "daily")
        return read.text("elasticsearch.index", "falco") + _DATES.get(suffix, _DAILY)

    def _loki(self) -> Json:
        read = self._read
        more: JsonObject = {"format": "json" if read.text("loki.format") == "json" else "falco"}
        if read.text("loki.user") and read.text("loki.apikey"):
            more["user"], more["password"] = read.text("loki.user"), read.text("loki.apikey")
        elif read.text("loki.user") or read.text("loki.apikey"):
            self.leave_out("falcosidekick logs in with both user and apikey, or not at all", "loki.user", "loki.apikey")
        url = read.text("loki.hostport").rstrip("/") + read.text("loki.endpoint", "/loki/api/v1/push")
        return self._webhook("loki", url, {"template": "loki", **more})

    def _plain(self) -> Iterator[Json]:
        read = self._read
        for name, key in _PLAIN.items():
            url = read.text(f"{name}.{key}")
            if not url:
                continue
            more: JsonObject = {}
            if read.text(f"{name}.user") and read.text(f"{name}.password"):
                more["user"], more["password"] = read.text(f"{name}.user"), read.text(f"{name}.password")
            if read.text(f"{name}.method", "POST").upper() == "PUT":
                more["method"] = "PUT"
            yield self._webhook(name, url, {"template": "falcosidekick", **more})
        if read.text("cloudevents.address"):
            yield self._webhook(
                "cloudevents", read.text("cloudevents.address"), {"format": "cloudevents", "batch": "single"}
            )

    # --- what outputs share

    def _webhook(self, identity: str, url: str, more: JsonObject, *, output: str = "") -> Json:
        read, name = self._read, output or identity
        found: JsonObject = {"id": identity, **receiver(url), **more, **self.common(name)}
        if "token" in found:  # an explicit login goes before that of the URL
            found = {key: value for key, value in found.items() if key not in ("user", "password")}
        if "allow_private" in found:
            self.notes.append(permission_note(identity))
        headers = read.value(f"{name}.customheaders")
        written = {
            key: with_defaults(str(value)) for key, value in (headers if isinstance(headers, Mapping) else {}).items()
        }
        found, refused = with_headers(found, {**self._own_headers(name), **written})
        for header in refused:
            self.leave_out("the sink webhook makes this header itself", f"{name}.customheaders.{header}")
        requests = read.number(f"{name}.maxconcurrentrequests", 1)
        if requests != 1:
            found["concurrency"] = min(requests or _MOST_REQUESTS, _MOST_REQUESTS)
        tls = self.tls(name)
        if self.accepts_all(name):
            tls = {"verify": False}
            self.notes.append(f"{name}.checkcert: certificates are not verified; better set `tls.ca` of {identity}")
        if tls:
            found["tls"] = tls
        return {"webhook": found}

    def _own_headers(self, name: str) -> dict[str, str]:
        """Return the headers that other keys of an output set."""
        read = self._read
        found = {"X-Scope-OrgID": read.text("loki.tenant")} if name == "loki" else {}
        if name == "n8n":
            found[read.text("n8n.headerauthname")] = read.text("n8n.headerauthvalue")
        if name == "otlp.logs":
            pairs = (pair.partition("=") for pair in read.text("otlp.logs.headers").split(","))
            found.update({key.strip(): value.strip() for key, _, value in pairs})
        return {key: value for key, value in found.items() if key and value}


def _is_set(value: Json) -> bool:
    """Return True if an output has an address, or another key that says the output is wanted."""
    if isinstance(value, Mapping):
        return any(_is_set(item) for key, item in value.items() if key in _ADDRESSES or isinstance(item, Mapping))
    return bool(value) and not isinstance(value, bool | int)


_ADDRESSES: Final = frozenset(
    {
        "address", "apikey", "apitoken", "apiurl", "broker", "bucket", "endpoint", "endpointhost", "forwarder",
        "function", "functionname", "host", "hostport", "name", "orguid", "projectid", "receiverurl", "streamname",
        "token", "topic", "url", "webhookurl",
    }
)  # fmt: skip
"""Keys that say where an output leads to."""
