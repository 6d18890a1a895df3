"""falcosidekick's configuration as sinks of mozu."""

from collections.abc import Iterator, Mapping
from typing import Final

from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.key_table import key_table
from mozu.core.runtime.falco_import.tree_reader import TreeReader, with_defaults

_CHATS: Final = {
    "slack": "slack", "rocketchat": "slack", "mattermost": "slack", "teams": "teams", "discord": "discord",
    "googlechat": "text", "webex": "text", "cliq": "text",
}  # fmt: skip
"""Output → template, of those that have a `webhookurl`."""
_PLAIN: Final = {
    "webhook": "address", "nodered": "address", "n8n": "address", "talon": "address", "tekton": "eventlistener",
}  # fmt: skip
"""Output → key of its address, of those that take falcosidekick's own object."""
_PAGERDUTY: Final = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_MECHANISMS: Final = {"PLAIN": "PLAIN", "SCRAM_SHA256": "SCRAM-SHA-256", "SCRAM_SHA512": "SCRAM-SHA-512"}
_WORDS: Final = {"informational", "info"}
_S3: Final = {"aws": (None, "us-east-1"), "yandex": ("https://storage.yandexcloud.net", "ru-central1")}
"""Output with `s3` → its storage's URL and region, where the configuration names none."""


class SidekickTranslation:
    """Of one configuration. `notes`: what a person should read."""

    def __init__(self, tree: Mapping[str, Json]) -> None:
        self._read = TreeReader(tree, fold=True)
        self._configured = [str(name).lower() for name in tree]
        self.notes: list[str] = []

    def sinks(self) -> list[Json]:
        """One for each output that is switched on."""
        found = [*self._chats(), *self._receivers(), *self._plain(), *self._queues()]
        for name in self._outputs_without_equal():
            self.notes.append(f"{name}: {key_table('sidekick')[f'{name}.*'].text}")
        return found

    def _outputs_without_equal(self) -> Iterator[str]:
        for name in self._configured:
            fate = key_table("sidekick").get(f"{name}.*")
            outputs = self._read.value(name)
            if name in _S3 and isinstance(outputs, Mapping):
                outputs = {key: value for key, value in outputs.items() if key != "s3"}
            if fate is not None and fate.verdict == "no equal" and _is_set(outputs):
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
        for number, host in enumerate(filter(None, read.texts("alertmanager.hostport")), 1):
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
        pairs = [pair.partition("=") for pair in read.text("otlp.logs.headers").split(",") if "=" in pair]
        more: JsonObject = {"headers": {name.strip(): value.strip() for name, _, value in pairs}} if pairs else {}
        milliseconds = read.number("otlp.logs.timeout", 0)
        if milliseconds:
            more["timeout"] = milliseconds / 1000
        url = read.text("otlp.logs.endpoint")
        return self._webhook("otlp_logs", url, {"template": "otlp_logs", **more}, output="otlp.logs")

    def _levels(self) -> JsonObject:
        written = self._read.text("alertmanager.customseveritymap").split(",")
        pairs = [pair.partition(":") for pair in written if ":" in pair]
        levels: JsonObject = {_priority(name): word.strip() for name, _, word in pairs}
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
        index, suffix = read.text("elasticsearch.index", "falco"), read.text("elasticsearch.suffix", "daily")
        if suffix in ("monthly", "annually"):
            self.notes.append(f"elasticsearch.suffix: {suffix} became daily; a data stream makes other steps")
        return index if suffix == "none" else f"{index}-$${{date}}"

    def _loki(self) -> Json:
        read = self._read
        more: JsonObject = {"format": "json" if read.text("loki.format") == "json" else "falco"}
        if read.text("loki.user"):
            more["user"], more["password"] = read.text("loki.user"), read.text("loki.apikey")
        elif read.text("loki.apikey"):
            more["token"] = read.text("loki.apikey")
        if read.text("loki.tenant"):
            more["headers"] = {"X-Scope-OrgID": read.text("loki.tenant")}
        url = read.text("loki.hostport").rstrip("/") + read.text("loki.endpoint", "/loki/api/v1/push")
        return self._webhook("loki", url, {"template": "loki", **more})

    def _plain(self) -> Iterator[Json]:
        read = self._read
        for name, key in _PLAIN.items():
            url = read.text(f"{name}.{key}")
            if not url:
                continue
            more: JsonObject = {}
            if read.text(f"{name}.user"):
                more["user"], more["password"] = read.text(f"{name}.user"), read.text(f"{name}.password")
            if read.text(f"{name}.headerauthname"):
                more["headers"] = {read.text(f"{name}.headerauthname"): read.text(f"{name}.headerauthvalue")}
            if read.text(f"{name}.method", "POST").upper() == "PUT":
                more["method"] = "PUT"
            yield self._webhook(name, url, {"template": "falcosidekick", **more})
        if read.text("cloudevents.address"):
            yield self._webhook(
                "cloudevents", read.text("cloudevents.address"), {"format": "cloudevents", "batch": "single"}
            )

    def _queues(self) -> Iterator[Json]:
        read = self._read
        if any(read.texts("kafka.hostport")):
            yield {"kafka": {**self._common("kafka"), **self._kafka()}}
            if self._accepts_all("kafka"):
                self.notes.append("kafka.checkcert: the sink kafka verifies certificates; set its `tls.ca`")
        for name in _S3:
            if read.text(f"{name}.s3.bucket"):
                yield from self._s3(name)
        if read.text("smtp.hostport"):
            yield self._smtp()
        if read.text("syslog.host"):
            form = "cef" if read.text("syslog.format") == "cef" else "json"
            transport = read.text("syslog.protocol", "udp").lower()
            yield {
                "syslog": {
                    **self._common("syslog"), "id": "syslog-remote", "host": read.text("syslog.host"), "format": form,
                    "port": read.number("syslog.port", 514), "transport": transport if transport == "tcp" else "udp",
                }
            }  # fmt: skip

    def _s3(self, name: str) -> Iterator[Json]:
        read, (endpoint, region) = self._read, _S3[name]
        key, secret = read.text(f"{name}.accesskeyid"), read.text(f"{name}.secretaccesskey")
        if not (key and secret):
            self.notes.append(f"{name}.s3: the sink s3 needs an access key, and the configuration has none; left out")
            return
        found: JsonObject = {"id": f"{name}-s3", "bucket": read.text(f"{name}.s3.bucket")}
        found["region"] = read.text(f"{name}.region") or region
        found["access_key"], found["secret_key"] = key, secret
        url = read.text(f"{name}.s3.endpoint") or endpoint
        if url:
            found["endpoint"] = url.rstrip("/")
        prefix = read.text(f"{name}.s3.prefix").strip("/")
        found["prefix"] = f"{prefix}/{{date}}/" if prefix else "{date}/"
        acl = read.text(f"{name}.s3.objectcannedacl")
        if acl:
            found["headers"] = {"x-amz-acl": acl}
        yield {"s3": {**found, "format": "json", **self._common(f"{name}.s3")}}

    def _smtp(self) -> Json:
        read = self._read
        host, _, port = read.text("smtp.hostport").rpartition(":")
        found: JsonObject = {**self._common("smtp"), "host": host or port, "sender": read.text("smtp.from")}
        if host and port.isdigit():
            found["port"] = int(port)
        found["recipients"] = [one.strip() for one in read.text("smtp.to").split(",") if one.strip()]
        if not read.flag("smtp.tls", True):
            found["security"] = "none"
        elif read.text("smtp.user"):
            found["user"], found["password"] = read.text("smtp.user"), read.text("smtp.password")
        return {"smtp": found}

    def _kafka(self) -> JsonObject:
        read = self._read
        found: JsonObject = {"id": "kafka", "format": "json", "topic": read.text("kafka.topic")}
        found["bootstrap_servers"] = [one.strip() for text in read.texts("kafka.hostport") for one in text.split(",")]
        sasl, tls = read.text("kafka.sasl").upper(), read.flag("kafka.tls")
        mechanism = _MECHANISMS.get(sasl)
        found["security_protocol"] = ("SASL_" if mechanism else "") + ("SSL" if tls else "PLAINTEXT")
        if not mechanism and tls:
            found["security_protocol"] = "SSL"
        if mechanism:
            found["sasl"] = {
                "mechanism": mechanism, "user": read.text("kafka.username"), "password": read.text("kafka.password"),
            }  # fmt: skip
        if read.text("kafka.requiredacks").upper() == "ONE":
            found["acks"], found["idempotence"] = "leader", False
        compression = read.text("kafka.compression").lower()
        if compression in ("zstd", "lz4", "gzip", "none"):
            found["compression"] = compression
        if read.text("kafka.clientid"):
            found["client_id"] = read.text("kafka.clientid")
        if read.flag("kafka.topiccreation"):
            found["create_topics"] = True
        return found

    # --- what outputs share

    def _webhook(self, identity: str, url: str, more: JsonObject, *, output: str = "") -> Json:
        read, name = self._read, output or identity
        found: JsonObject = {"id": identity, "url": url, **more, **self._common(name)}
        headers = read.value(f"{name}.customheaders")
        if isinstance(headers, Mapping) and headers:
            before = found.get("headers")
            own = before if isinstance(before, Mapping) else {}
            found["headers"] = {**own, **{key: with_defaults(str(value)) for key, value in headers.items()}}
        requests = read.number(f"{name}.maxconcurrentrequests", 1)
        if requests > 1:
            found["concurrency"] = min(requests, 64)
        tls = self._tls(name)
        if self._accepts_all(name):
            tls = {"verify": False, **{key: value for key, value in tls.items() if key != "ca"}}
            self.notes.append(f"{name}.checkcert: certificates are not verified; better set `tls.ca` of {identity}")
        if tls:
            found["tls"] = tls
        return {"webhook": found}

    def _accepts_all(self, name: str) -> bool:
        return not self._read.flag(f"{name}.checkcert", True)

    def _common(self, name: str) -> JsonObject:
        found: JsonObject = {"spool": True}
        priority = self._read.text(f"{name}.minimumpriority")
        if priority:
            found["route"] = {"priority": _priority(priority)}
        return found

    def _tls(self, name: str) -> JsonObject:
        read = self._read
        found: JsonObject = {}
        if read.text("tlsclient.cacertfile") and read.value("tlsclient.cacertfile") != "/etc/certs/client/ca.crt":
            found["ca"] = read.text("tlsclient.cacertfile")
        if read.flag(f"{name}.mutualtls"):
            folder = read.text("mutualtlsfilespath", "/etc/certs").rstrip("/")
            found["certificate"] = read.text("mutualtlsclient.certfile", f"{folder}/client.crt")
            found["key"] = read.text("mutualtlsclient.keyfile", f"{folder}/client.key")
            found["ca"] = read.text("mutualtlsclient.cacertfile", f"{folder}/ca.crt")
        return found


def _priority(text: str) -> str:
    word = text.strip().lower()
    return "informational" if word in _WORDS else word


def _is_set(value: Json) -> bool:
    """Whether an output has an address, or whatever else says that it is wanted."""
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
