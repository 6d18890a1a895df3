"""Alerts of an imported configuration at real receivers: rsyslogd, Alertmanager, an S3 that checks signatures."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.alertmanager import alertmanager, alerts
from tests.support.falco_receivers import imported_run
from tests.support.falco_scene import needles, receivers
from tests.support.moto import moto_server
from tests.support.requirements import program
from tests.support.rsyslog import rsyslog


def sinks(folder: Path, sidekick: dict[str, Any] | None, *overrides: str, **falco: Any) -> None:
    """Run with these outputs until the recording ends."""
    folder.mkdir()
    imported_run(folder, {**needles(folder), **falco}, sidekick, *overrides)


def test_falcos_syslog_and_falcosidekicks_over_tcp_and_udp_are_at_rsyslogd(tmp_path: Path) -> None:
    local = {"syslog_output": {"enabled": True}, "json_output": True}
    with rsyslog(tmp_path) as daemon:
        tcp: dict[str, Any] = {"host": "127.0.0.1", "port": str(daemon.tcp), "protocol": "tcp", "format": "json"}
        sinks(tmp_path / "tcp", {"syslog": tcp}, f"sinks.syslog.path={daemon.socket}", **local)
        sinks(tmp_path / "udp", {"syslog": tcp | {"port": str(daemon.udp), "protocol": "udp", "format": "cef"}})
        daemon.wait(lambda: sum("/secret/late" in one["msg"] for one in daemon.received()) == 3, "one at each input")
        by_input = {one["input"]: one for one in daemon.received() if "/secret/late" in one["msg"]}

    assert {"imuxsock", "imtcp", "imudp"} == set(by_input)
    assert {"Secret read"} == {json.loads(by_input[name]["msg"])["rule"] for name in ("imtcp", "imuxsock")}
    assert by_input["imudp"]["msg"].lstrip().startswith("CEF:0|")
    assert {"4"} == {str(int(one["pri"]) & 7) for one in by_input.values()}, "a warning's severity (RFC 5424)"


def test_alerts_are_objects_of_aws_and_yandex_and_are_held_by_alertmanager(tmp_path: Path) -> None:
    with moto_server() as storage, alertmanager(tmp_path) as url:
        login = {"accesskeyid": storage.key, "secretaccesskey": storage.secret, "region": "us-east-1"}
        for name in ("falco", "copies"):
            storage.create_bucket(name)
        storage.check_signatures()
        outputs: dict[str, Any] = {
            "aws": {**login, "s3": {"bucket": "falco", "endpoint": storage.url, "prefix": "team"}},
            "yandex": {**login, "s3": {"bucket": "copies", "endpoint": storage.url, "minimumpriority": "warning"}},
            "alertmanager": {"hostport": url, "endpoint": "/api/v2/alerts", "customseveritymap": "warning:page"},
        }
        sinks(tmp_path / "run", outputs)
        objects, copies = storage.objects("falco"), storage.objects("copies")
        held = {one["labels"]["rule"]: one["labels"]["severity"] for one in alerts(url)}

    assert any(key.startswith("team/2026-01-01/") and key.endswith(".jsonl") for key in objects)
    assert b"/minor" in b"".join(objects.values())
    assert b"/secret/late" in b"".join(copies.values())
    assert b"/minor" not in b"".join(copies.values())
    assert "page" == held["Secret read"]


def test_authorities_of_a_directory_are_found_by_the_hash_of_their_names(tmp_path: Path) -> None:
    with receivers(tmp_path / "scene") as scene:
        folder = tmp_path / "authorities"
        folder.mkdir()
        (folder / "ca.pem").write_bytes(scene.certificates.ca.read_bytes())
        subprocess.run([program("openssl"), "rehash", folder], check=True, capture_output=True)
        http: dict[str, Any] = {"enabled": True, "url": f"{scene.https.url}/falco", "ca_path": str(folder)}
        sinks(tmp_path / "run", None, http_output=http)

        assert any("/secret/late" in one.text for one in scene.https.at("/falco"))
