"""Every key that the table calls translated has an effect that a receiver sees, or on how a component is built.

Behind falcosidekick there are two runs: one with all keys, one with the keys that an output needs. An effect seen with
a key is not seen without it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.runtime.falco_import.key_table import key_table
from tests.support.falco_receivers import imported_run
from tests.support.falco_scene import Scene, Seen, first, got, header, needles, only, receivers, signed

Json = dict[str, Any]

SIDEKICK: Final[Mapping[str, Seen]] = {
    "*.checkcert": got("/discord"),
    "*.customheaders": lambda s: header("/webhook", "X-Team", "blue")(s) and signed("/webhook", "Token t0k")(s),
    "*.maxconcurrentrequests": lambda s: s.http.at_once.get("cloudevents", 0) > 1,
    "*.minimumpriority": only("/slack", "Warning"),
    "*.mutualtls": got("/teams", lambda r: r.has_client_certificate),
    "alertmanager.customseveritymap": got("/alertmanager", lambda r: '"severity":"page"' in r.text),
    "alertmanager.endpoint": got("/alertmanager/v9/alerts"),
    "alertmanager.hostport": lambda s: got("/alertmanager/")(s) and got("/second/")(s),
    "aws.accesskeyid": signed("/aws-bucket", "Credential=AKIAKEY/"),
    "aws.region": signed("/aws-bucket", "/eu-west-9/s3/"),
    "aws.s3.bucket": got("/aws-bucket/"),
    "aws.s3.endpoint": got("/aws-bucket/"),
    "aws.s3.minimumpriority": only("/aws-bucket", "Warning"),
    "aws.s3.objectcannedacl": header("/aws-bucket", "x-amz-acl", "bucket-owner-full-control"),
    "aws.s3.prefix": got("/aws-bucket/team/2026-01-01/"),
    "aws.secretaccesskey": lambda s: is_signed_with(s, "/aws-bucket", "eu-west-9", "aws-secret"),
    "cliq.webhookurl": got("/cliq", lambda r: "text" in r.json()),
    "cloudevents.address": got("/cloudevents", lambda r: "specversion" in r.text),
    "customfields.*": got("/webhook", lambda r: r.json()["output_fields"].get("akey") == "AValue"),
    "discord.webhookurl": got("/discord"),
    "elasticsearch.apikey": signed("/es", "ApiKey es-key"),
    "elasticsearch.batching.batchsize": got("/es", lambda r: r.text.count("\n") == 2),
    "elasticsearch.enablecompression": header("/es", "content-encoding", "gzip"),
    "elasticsearch.hostport": got("/es/_bulk"),
    "elasticsearch.index": got("/es", lambda r: '"_index":"security-' in r.text),
    "elasticsearch.password": got("/es2", lambda r: r.login == "es-user:es-password"),
    "elasticsearch.pipeline": got("/es/_bulk?pipeline=geo"),
    "elasticsearch.suffix": got("/es", lambda r: '-2026.01"' in r.text),
    "elasticsearch.username": got("/es2", lambda r: r.login.startswith("es-user:")),
    "googlechat.webhookurl": got("/googlechat"),
    "loki.apikey": got("/loki", lambda r: r.login.endswith(":loki-key")),
    "loki.endpoint": got("/loki/push/here"),
    "loki.format": got("/loki", lambda r: r.json()["streams"][0]["values"][0][1].startswith("{")),
    "loki.hostport": got("/loki/"),
    "loki.tenant": header("/loki", "X-Scope-OrgID", "tenant-7"),
    "loki.user": got("/loki", lambda r: r.login.startswith("loki-user:")),
    "mattermost.webhookurl": got("/mattermost"),
    "mutualtlsclient.cacertfile": got("/teams", lambda r: r.has_client_certificate),
    "mutualtlsclient.certfile": got("/teams", lambda r: r.has_client_certificate),
    "mutualtlsclient.keyfile": got("/teams", lambda r: r.has_client_certificate),
    "mutualtlsfilespath": got("/folder", lambda r: r.has_client_certificate),
    "n8n.address": got("/n8n"),
    "n8n.headerauthname": header("/n8n", "X-Auth", "value-8"),
    "n8n.headerauthvalue": header("/n8n", "X-Auth", "value-8"),
    "n8n.password": got("/n8n", lambda r: r.login.endswith(":n8n-password")),
    "n8n.user": got("/n8n", lambda r: r.login.startswith("n8n-user:")),
    "nodered.address": got("/nodered"),
    "nodered.password": got("/nodered", lambda r: r.login.endswith(":red-password")),
    "nodered.user": got("/nodered", lambda r: r.login.startswith("red-user:")),
    "otlp.logs.endpoint": got("/otlp", lambda r: "resourceLogs" in r.text),
    "otlp.logs.headers": header("/otlp", "X-Otlp", "yes"),
    "otlp.logs.timeout": lambda s: s.http.at_once.get("otlp", 0) > 1,
    "pagerduty.region": lambda s: s.config("pagerduty") == "https://events.eu.pagerduty.com/v2/enqueue",
    "pagerduty.routingkey": got("/pagerduty", lambda r: r.json()["routing_key"] == "routing-4"),
    "rocketchat.webhookurl": got("/rocketchat"),
    "slack.webhookurl": got("/slack"),
    "smtp.from": lambda s: any(one[0] == "falco@example.org" for one in s.mails),
    "smtp.hostport": lambda s: bool(s.mails),
    "smtp.password": lambda s: any("smtp-password" in one[4] for one in s.mails),
    "smtp.tls": lambda s: any(one[3] for one in s.mails),
    "smtp.to": lambda s: any(one[1] == ["a@example.org", "b@example.org"] for one in s.mails),
    "smtp.user": lambda s: any("smtp-user" in one[4] for one in s.mails),
    "splunk.host": got("/splunk", lambda r: "sourcetype" in r.text),
    "splunk.token": signed("/splunk", "Splunk splunk-token"),
    "syslog.format": lambda s: b"CEF:0" in s.tcp.data,
    "syslog.host": lambda s: bool(s.tcp.data),
    "syslog.port": lambda s: bool(s.tcp.data),
    "syslog.protocol": lambda s: bool(s.tcp.data),
    "talon.address": got("/talon"),
    "teams.webhookurl": got("/teams"),
    "tekton.eventlistener": got("/tekton"),
    "tlsclient.cacertfile": got("/webex"),
    "webex.webhookurl": got("/webex"),
    "webhook.address": got("/webhook"),
    "webhook.method": got("/webhook", lambda r: r.method == "PUT"),
    "yandex.accesskeyid": signed("/yandex-bucket", "Credential=YAKEY/"),
    "yandex.region": signed("/yandex-bucket", "/ru-west-9/s3/"),
    "yandex.s3.bucket": got("/yandex-bucket/"),
    "yandex.s3.endpoint": got("/yandex-bucket/"),
    "yandex.s3.minimumpriority": only("/yandex-bucket", "Warning"),
    "yandex.s3.prefix": got("/yandex-bucket/team/2026-01-01/"),
    "yandex.secretaccesskey": lambda s: is_signed_with(s, "/yandex-bucket", "ru-west-9", "yandex-secret"),
}
"""Key → check of its effect at a receiver."""
KAFKA: Final = {
    key for key, one in key_table("sidekick").items() if key.startswith("kafka.") and one.verdict == "translated"
}
"""Keys of Kafka, which tests/delivery/test_imported.py checks with a real Kafka."""


def is_signed_with(scene: Scene, path: str, region: str, secret: str) -> bool:
    """Return True if AWS's own code computes the request's signature from this secret."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = first(scene, path)
    if request is None:
        return False
    authorization = request.headers["authorization"]
    names = re.findall(r"SignedHeaders=([^,]+)", authorization)[0].split(";")
    made = AWSRequest("PUT", f"{scene.http.url}{request.path}", {name: request.headers[name] for name in names}, b"")
    made.context["timestamp"] = request.headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials("any", secret), "s3", region)
    canonical = signer.canonical_request(made)
    return signer.signature(signer.string_to_sign(made, canonical), made) in authorization


def sidekick(scene: Scene) -> tuple[Json, Json]:
    """Return two configurations of falcosidekick: with every key, and with the keys that its outputs need."""
    http, https, certificates = scene.http.url, scene.https.url, scene.certificates
    chats = ("rocketchat", "mattermost", "googlechat", "cliq", "webex", "discord", "teams", "slack")
    bare: Json = {name: {"webhookurl": f"{http}/bare"} for name in chats}
    full: Json = {
        "slack": {"webhookurl": f"{http}/slack", "minimumpriority": "warning"},
        "rocketchat": {"webhookurl": f"{http}/rocketchat"},
        "mattermost": {"webhookurl": f"{http}/mattermost"},
        "teams": {"webhookurl": f"{https}/teams", "mutualtls": True},
        "discord": {"webhookurl": f"{https}/discord", "checkcert": False},
        "webex": {"webhookurl": f"{https}/webex"},
        "googlechat": {"webhookurl": f"{http}/googlechat"},
        "cliq": {"webhookurl": f"{http}/cliq"},
        "tlsclient": {"cacertfile": str(certificates.ca)},
        "mutualtlsclient": {
            "certfile": str(certificates.client), "keyfile": str(certificates.client_key),
            "cacertfile": str(certificates.ca),
        },
        "customfields": {"Akey": "AValue"},
        "alertmanager": {
            "hostport": f"{http}/alertmanager,{http}/second", "endpoint": "/v9/alerts",
            "customseveritymap": "warning:page",
        },
        "elasticsearch": {
            "hostport": f"{http}/es", "index": "security", "suffix": "monthly", "pipeline": "geo", "apikey": "es-key",
            "enablecompression": True, "batching": {"enabled": True, "batchsize": 10},
        },
        "loki": {
            "hostport": f"{http}/loki", "endpoint": "/push/here", "user": "loki-user", "apikey": "loki-key",
            "tenant": "tenant-7", "format": "json",
        },
        "webhook": {
            "address": f"{http}/webhook", "method": "PUT",
            "customHeaders": {"X-Team": "blue", "Authorization": "Token t0k"},
        },
        "nodered": {"address": f"{http}/nodered", "user": "red-user", "password": "red-password"},
        "n8n": {
            "address": f"{http}/n8n", "user": "n8n-user", "password": "n8n-password", "headerauthname": "X-Auth",
            "headerauthvalue": "value-8",
        },
        "talon": {"address": f"{http}/talon"},
        "tekton": {"eventListener": f"{http}/tekton"},
        "cloudevents": {"address": f"{http}/cloudevents", "maxconcurrentrequests": 4},
        "splunk": {"host": f"{http}/splunk", "token": "splunk-token"},
        "otlp": {"logs": {"endpoint": f"{http}/otlp", "headers": "X-Otlp=yes", "timeout": 300}},
        "pagerduty": {"routingKey": "routing-4", "region": "eu"},
        "smtp": {
            "hostport": f"localhost:{scene.smtp}", "from": "Falco <falco@example.org>",
            "to": "a@example.org, b@example.org", "user": "smtp-user", "password": "smtp-password", "tls": True,
        },
        "syslog": {"host": "127.0.0.1", "port": scene.tcp.port, "protocol": "tcp", "format": "cef"},
        "aws": {
            "accesskeyid": "AKIAKEY", "secretaccesskey": "aws-secret", "region": "eu-west-9",
            "s3": {
                "bucket": "aws-bucket", "endpoint": http, "prefix": "team", "minimumpriority": "warning",
                "objectcannedacl": "bucket-owner-full-control",
            },
        },
        "yandex": {
            "accesskeyid": "YAKEY", "secretaccesskey": "yandex-secret", "region": "ru-west-9",
            "s3": {"bucket": "yandex-bucket", "endpoint": http, "prefix": "team", "minimumpriority": "warning"},
        },
    }  # fmt: skip
    bare |= {
        "alertmanager": {"hostport": f"{http}/bare"}, "elasticsearch": {"hostport": f"{http}/bare"},
        "loki": {"hostport": f"{http}/bare"}, "webhook": {"address": f"{http}/bare"},
    }  # fmt: skip
    return full, bare


@contextmanager
def behind_falcosidekick(base: Path) -> Iterator[tuple[Scene, Scene]]:
    """Yield a run with every key, and one with few."""
    with receivers(base / "full") as full, receivers(base / "bare") as bare:
        options = [
            f"sinks.pagerduty.url={full.http.url}/pagerduty", "sinks.pagerduty.allow_private=true",
            f"sinks.smtp.tls.ca={full.certificates.ca}", "sinks.aws-s3.linger=0", "sinks.yandex-s3.linger=0",
        ]  # fmt: skip
        keys = sidekick(full)[0]
        full.run = imported_run(full.folder, needles(full.folder), keys, *options)
        bare.run = imported_run(bare.folder, needles(bare.folder), sidekick(bare)[1])
        certificates = full.certificates
        folder = full.folder / "certs"
        folder.mkdir()
        for name, file in (
            ("client.crt", certificates.client), ("client.key", certificates.client_key), ("ca.crt", certificates.ca),
        ):  # fmt: skip
            (folder / name).write_bytes(file.read_bytes())
        more = {
            "mutualtlsfilespath": str(folder), "teams": {"webhookurl": f"{full.https.url}/folder", "mutualtls": True},
            "elasticsearch": {"hostport": f"{full.http.url}/es2", "username": "es-user", "password": "es-password"},
        }  # fmt: skip
        imported_run(full.folder / "more", needles(full.folder), more)
        written = {next(iter(one.values()))["id"]: next(iter(one.values())) for one in full.run.config["sinks"][0:]
                   if isinstance(one, dict) and "id" in next(iter(one.values()))}  # fmt: skip
        full.run.config["pagerduty"] = written["pagerduty"]["url"]
        yield full, bare


def test_every_translated_key_of_falcosidekick_is_observed() -> None:
    assert {key for key, one in key_table("sidekick").items() if one.verdict == "translated"} == {*SIDEKICK, *KAFKA}


@pytest.mark.timeout(400)
def test_every_key_of_falcosidekick_reaches_its_receiver_and_is_not_seen_without(tmp_path: Path) -> None:
    with behind_falcosidekick(tmp_path) as (full, bare):
        assert [] == [key for key, seen in SIDEKICK.items() if not seen(full)]
        assert [] == [key for key, seen in SIDEKICK.items() if seen(bare)]
