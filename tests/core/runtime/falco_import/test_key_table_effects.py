"""Every key that is called translated has an effect that a receiver sees, or that a component is built with.

Behind falcosidekick there are two runs: one with all keys, one with what an output needs and no more. What is observed
with the keys is not observed without them.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from mozu.core.runtime.falco_import.key_table import key_table
from tests.core.cli.why.looking import RULES
from tests.oracle.capture import Capture
from tests.support.falco_receivers import HttpReceiver, Imported, StreamReceiver, imported_run
from tests.support.https import Certificates
from tests.support.ports import free_port

Json = dict[str, Any]
MORE: Final = """
- rule: Minor
  desc: Of the least priority.
  condition: evt.type = openat and fd.name = /minor
  output: "minor %fd.name"
  priority: DEBUG
- rule: Written
  desc: Bytes.
  condition: evt.type = write
  output: "bytes %evt.buffer"
  priority: WARNING
  tags: [tagged]
  capture: true
"""


class Scene:
    """The receivers of a run, and what they got."""

    def __init__(self, folder: Path, certificates: Certificates, held: Mapping[str, float]) -> None:
        self.folder, self.certificates = folder, certificates
        self.http, self.https = HttpReceiver(held=held), HttpReceiver(certificates)
        self.tcp, self.log = StreamReceiver(), StreamReceiver(folder / "log")
        self.mails: list[tuple[str, list[str], str, bool, str]] = []
        self.smtp = free_port()
        self.run: Imported

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        login = str(session.auth_data or "")
        text = envelope.content.decode(errors="replace")
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, text, session.ssl is not None, login))
        return "250 OK"

    def file(self, name: str) -> str:
        """Return the content of a file."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def alerts(self, text: str) -> list[Json]:
        """JSON objects among the lines that are about events."""
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [one for one in found if one.get("source") != "internal"]

    def config(self, *steps: str | int) -> Any:
        """A value of the configuration that was written; None: it is not there."""
        found: Any = self.run.config
        for step in steps:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found


Seen = Callable[[Scene], bool]


def first(scene: Scene, path: str) -> Any:
    """The first request at a path, or an empty one."""
    found = scene.http.at(path) or scene.https.at(path)
    return found[0] if found else None


def got(path: str, test: Callable[[Any], bool] = lambda request: True) -> Seen:
    """A request came there that passes the test."""
    return lambda scene: any(test(one) for one in (*scene.http.at(path), *scene.https.at(path)))


def header(path: str, name: str, value: str) -> Seen:
    return got(path, lambda request: request.headers.get(name.lower()) == value)


def only(path: str, word: str) -> Seen:
    """Something came there, and all of it has the word."""
    def test(scene: Scene) -> bool:
        found = [one.text for one in (*scene.http.at(path), *scene.https.at(path)) if "internal" not in one.text]
        return bool(found) and all(word in one for one in found)
    return test


def signed(path: str, part: str) -> Seen:
    return got(path, lambda request: part in request.headers.get("authorization", ""))


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
"""Key → what a receiver sees of it."""
KAFKA: Final = {
    key for key, one in key_table("sidekick").items() if key.startswith("kafka.") and one.verdict == "translated"
}
"""tests/delivery/test_imported.py has these, with a real Kafka."""


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


def needles(folder: Path) -> Json:
    """Falco's side: a recording of five opens and a write, with its rules."""
    made = Capture().process(5, "cat")
    for name in ("/secret/a", "/secret/keys/c", "/minor", "/secret/a"):
        made.event("openat", 5, 3, -100, name, 1, 0, 0, 1)
    made.event("write", 5, 3, b"\x00\xff", 3, 2)
    made.time += 10_000_000_000
    made.event("openat", 5, 3, -100, "/secret/late", 1, 0, 0, 1)
    (folder / "reads.scap").write_bytes(made.raw())
    (folder / "rules.yaml").write_text(RULES + MORE)
    engine = {"kind": "replay", "replay": {"capture_file": str(folder / "reads.scap")}}
    return {"engine": engine, "rules_files": [str(folder / "rules.yaml")], "log_stderr": True}


def sidekick(scene: Scene) -> tuple[Json, Json]:
    """falcosidekick with every key, and with what its outputs need and no more."""
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
def receivers(folder: Path) -> Iterator[Scene]:
    folder.mkdir()
    scene = Scene(folder, Certificates(folder), {"/otlp": 1.0, "/cloudevents": 0.5})

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=True, auth_data=f"{data.login.decode()} {data.password.decode()}")

    controller = Controller(
        scene, hostname="127.0.0.1", port=scene.smtp, tls_context=scene.certificates.context(), authenticator=login
    )
    controller.start()
    try:
        yield scene
    finally:
        controller.stop()
        scene.http.close()
        scene.https.close()


@contextmanager
def behind_falcosidekick(base: Path) -> Iterator[tuple[Scene, Scene]]:
    """A run with every key, and one with few."""
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


FALCO: Final[Mapping[str, Seen]] = {
    "append_output": lambda s: "team=blue" in s.run.stdout,
    "buffer_format_base64": lambda s: "AP8=" in s.run.stdout,
    "engine.replay.capture_file": lambda s: bool(s.alerts(s.run.stdout)),
    "file_output.enabled": lambda s: "secret" in s.file("file.log"),
    "file_output.filename": lambda s: "secret" in s.file("file.log"),
    "http_output.compress_uploads": header("/falco", "content-encoding", "gzip"),
    "http_output.echo": lambda s: "thank-you" in s.run.stderr,
    "http_output.enabled": got("/falco"),
    "http_output.url": got("/falco", lambda r: r.login == "falco:t0ken"),
    "http_output.user_agent": header("/falco", "user-agent", "agent-9"),
    "json_include_message_property": lambda s: "message" in s.alerts(s.run.stdout)[0],
    "json_include_tags_property": lambda s: "tags" not in s.alerts(s.run.stdout)[0],
    "json_output": lambda s: bool(s.alerts(s.run.stdout)),
    "priority": lambda s: "minor" not in s.run.stdout,
    "program_output.enabled": lambda s: "secret" in s.file("program.log"),
    "program_output.program": lambda s: "secret" in s.file("program.log"),
    "rule_matching": lambda s: '"Asleep"' in s.run.stdout and s.run.stdout.count("/secret/a") > 2,
    "rules": lambda s: '"Asleep"' in s.run.stdout,
    "rules_files": lambda s: '"Secret read"' in s.run.stdout,
    "static_fields": lambda s: "site=lisbon" in s.run.stdout,
    "stdout_output.enabled": lambda s: bool(s.run.stdout),
    "syslog_output.enabled": lambda s: b"secret" in s.log.data,
    "time_format_iso_8601": lambda s: '"output":"2026-01-01T00:00:00' in s.run.stdout,
}
"""Key of Falco's → what is seen of it; test_falco_config.py has those that a live source or a listener needs."""


def falco(scene: Scene) -> Json:
    extra = {"match": {"rule": "Secret read"}, "extra_output": "site=%static.site team=blue"}
    return {
        **needles(scene.folder), "append_output": [extra], "static_fields": {"site": "lisbon"}, "json_output": True,
        "buffer_format_base64": True, "json_include_message_property": True, "json_include_tags_property": False,
        "time_format_iso_8601": True, "priority": "notice", "rule_matching": "all",
        "rules": [{"enable": {"rule": "Asleep"}}],
        "stdout_output": {"enabled": True}, "syslog_output": {"enabled": True},
        "file_output": {"enabled": True, "filename": str(scene.folder / "file.log")},
        "program_output": {"enabled": True, "program": f"cat >> {scene.folder}/program.log"},
        "http_output": {
            "enabled": True, "url": f"http://falco:t0ken@127.0.0.1:{scene.http.port}/falco", "echo": True,
            "compress_uploads": True, "user_agent": "agent-9",
        },
    }  # fmt: skip


@pytest.mark.timeout(400)
def test_keys_of_falco_reach_its_receivers(tmp_path: Path) -> None:
    with receivers(tmp_path / "full") as full:
        full.run = imported_run(full.folder, falco(full), None, f"sinks.syslog.path={full.folder}/log")

        assert [] == [key for key, seen in FALCO.items() if not seen(full)]
        assert set(FALCO) <= {key for key, one in key_table("falco").items() if one.verdict == "translated"}
