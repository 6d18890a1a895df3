"""falcosidekick's outputs that are no webhooks: Kafka, storages, mail, syslog."""

from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final

from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.sidekick_outputs import SidekickOutputs

_MECHANISMS: Final = {"PLAIN": "PLAIN", "SCRAM_SHA256": "SCRAM-SHA-256", "SCRAM_SHA512": "SCRAM-SHA-512"}
_COMPRESSIONS: Final = ("zstd", "lz4", "gzip", "none")
_KAFKAS_PORT: Final = 9092
S3: Final = {"aws": (None, "us-east-1"), "yandex": ("https://storage.yandexcloud.net", "ru-central1")}
"""Output with `s3` → its storage's URL and region, for a configuration that names none."""


def queue_sinks(of: SidekickOutputs) -> Iterator[Json]:
    """Yield the sinks of these outputs that are switched on."""
    read = of.read
    if any(read.texts("kafka.hostport")):
        yield {"kafka": {**of.common("kafka"), **_kafka(of)}}
    for name in S3:
        if read.text(f"{name}.s3.bucket"):
            yield from _s3(of, name)
    if read.text("smtp.hostport"):
        yield _smtp(of)
    if read.text("syslog.host"):
        form = "cef" if read.text("syslog.format") == "cef" else "json"
        transport = read.text("syslog.protocol", "udp").lower()
        yield {
            "syslog": {
                **of.common("syslog"), "id": "syslog-remote", "host": read.text("syslog.host"), "format": form,
                "port": read.number("syslog.port", 514), "transport": transport if transport == "tcp" else "udp",
            }
        }  # fmt: skip


def _s3(of: SidekickOutputs, name: str) -> Iterator[Json]:
    read, (endpoint, region) = of.read, S3[name]
    key, secret = read.text(f"{name}.accesskeyid"), read.text(f"{name}.secretaccesskey")
    if not (key and secret):
        keys = [f"{name}.s3.{one}" for one in ("bucket", "prefix", "endpoint", "objectcannedacl", "minimumpriority")]
        reason = "the sink s3 needs an access key, and the configuration has none; left out"
        of.leave_out(reason, *keys, f"{name}.region", f"{name}.accesskeyid", f"{name}.secretaccesskey")
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
    yield {"s3": {**found, "format": "json", "gzip": False, **of.common(f"{name}.s3")}}


def _smtp(of: SidekickOutputs) -> Json:
    read = of.read
    host, _, port = read.text("smtp.hostport").rpartition(":")
    found: JsonObject = {**of.common("smtp"), "host": host or port, "sender": _address(read.text("smtp.from"))}
    if host and port.isdigit():
        found["port"] = int(port)
    found["recipients"] = [_address(one) for one in read.text("smtp.to").split(",") if one.strip()]
    if not read.flag("smtp.tls", True):
        found["security"] = "none"
        if read.text("smtp.user"):
            of.leave_out("no login is sent over a connection that is not encrypted", "smtp.user", "smtp.password")
    elif read.text("smtp.user"):
        found["user"], found["password"] = read.text("smtp.user"), read.text("smtp.password")
    return {"smtp": found}


def _address(text: str) -> str:
    """Return the address without the name beside it."""
    return parseaddr(text)[1] or text.strip()


def _kafka(of: SidekickOutputs) -> JsonObject:
    read = of.read
    found: JsonObject = {"id": "kafka", "format": "json", "topic": read.text("kafka.topic")}
    servers = [one.strip() for text in read.texts("kafka.hostport") for one in text.split(",")]
    found["bootstrap_servers"] = [one if ":" in one else f"{one}:{_KAFKAS_PORT}" for one in servers if one]
    sasl, tls = read.text("kafka.sasl").upper(), read.flag("kafka.tls")
    mechanism = _MECHANISMS.get(sasl)
    found["security_protocol"] = ("SASL_" if mechanism else "") + ("SSL" if tls else "PLAINTEXT")
    if mechanism:
        found["sasl"] = {
            "mechanism": mechanism, "user": read.text("kafka.username"), "password": read.text("kafka.password"),
        }  # fmt: skip
    if read.text("kafka.requiredacks").upper() == "ONE":
        found["acks"], found["idempotence"] = "leader", False
    compression = read.text("kafka.compression").lower()
    if compression in _COMPRESSIONS:
        found["compression"] = compression
    elif compression:
        of.leave_out(f"{compression} is not written; batches are compressed with zstd", "kafka.compression")
    if read.text("kafka.clientid"):
        found["client_id"] = read.text("kafka.clientid")
    if read.flag("kafka.topiccreation"):
        found["create_topics"] = True
    if of.accepts_all("kafka"):
        of.leave_out("the sink kafka verifies certificates; set its `tls.ca`", "kafka.checkcert")
    return found
