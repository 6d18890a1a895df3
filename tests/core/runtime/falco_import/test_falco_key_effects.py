"""Every key of Falco that the table calls translated has an effect that is seen outside mozu.

Runs that read a recording have the keys of rules, outputs, formats and captures; a lasting run has those of the web
server, of metrics and of the log. tests/e2e/test_imported_falco.py has the keys of the kernel's events.
"""

import base64
import gzip
import json
import random
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.runtime.falco_import.importing import import_falco
from mozu.core.runtime.falco_import.key_table import key_table
from tests.oracle.capture import Capture
from tests.support.falco_receivers import imported_run, lasting_run
from tests.support.falco_scene import Json, Scene, Seen, got, header, needles, receivers, user_added
from tests.support.ports import free_port

OF_THE_KERNEL: Final = {"engine.kind", "engine.modern_ebpf.buf_size_preset", "falco_libs.snaplen"}
OF_A_DIRECTORY: Final = {"http_output.ca_path"}
"""Keys of a certificate directory, whose files OpenSSL's program names: tests/delivery/test_imported_receivers.py."""


OF_A_POD: Final = """
- rule: Of a pod
  desc: A file that a pod's process opens.
  condition: evt.type = openat and k8smeta.pod.name = crow
  output: "%fd.name"
  priority: NOTICE
"""


def captured(scene: Scene, prefix: str = "") -> str:
    """Return the content of all captures whose files' names begin so."""
    return "".join(gzip.decompress(path.read_bytes()).decode() for path in scene.folder.glob(f"{prefix}*.jsonl.gz"))


def secret_read(scene: Scene) -> Json:
    """Return the alert of the rule `Secret read` at the sink `stdout`, as JSON."""
    lines = (line for line in scene.run.stdout.splitlines() if line.startswith("{") and '"Secret read"' in line)
    found: Json = json.loads(next(lines, '{"output": "", "output_fields": {}, "tags": []}'))
    return found


FIRST: Final[Mapping[str, Seen]] = {
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
    "json_include_message_property": lambda s: "message" in secret_read(s),
    "json_include_tags_property": lambda s: "tags" not in secret_read(s),
    "json_output": lambda s: bool(s.alerts(s.run.stdout)),
    "priority": lambda s: '"Asleep"' in s.run.stdout and '"Minor"' not in s.run.stdout,
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
SECOND: Final[Mapping[str, Seen]] = {
    "capture.enabled": lambda s: bool(captured(s)),
    "capture.mode": lambda s: any(path.name.endswith("0001.jsonl.gz") for path in s.folder.glob("*.jsonl.gz")),
    "capture.path_prefix": lambda s: bool(captured(s, "kept_")),
    "config_files": lambda s: "secret" in s.file("further.log"),
    "http_output.ca_bundle": got("/falco"),
    "http_output.client_cert": got("/falco", lambda r: r.has_client_certificate),
    "http_output.client_key": got("/falco", lambda r: r.has_client_certificate),
    "http_output.mtls": got("/falco", lambda r: r.has_client_certificate),
    "json_include_output_fields_property": lambda s: "output_fields" not in secret_read(s),
    "json_include_output_property": lambda s: "output" not in secret_read(s),
    "log_level": lambda s: "answered 200" in s.run.stderr,
    "log_stderr": lambda s: "watching" in s.run.stderr,
    "program_output.keep_alive": lambda s: s.file("starts") == "start\n",
    "rules_file": lambda s: '"Secret read"' in s.run.stdout,
}
THIRD: Final[Mapping[str, Seen]] = {
    "capture.max_file_size_mb": lambda s: 400 < captured(s).count("\n") < 2000,
    "http_output.ca_cert": got("/falco"),
}
FOURTH: Final[Mapping[str, Seen]] = {
    "capture.default_duration": lambda s: 0 < captured(s).count("\n") < 400,
    "http_output.insecure": got("/unverified"),
    "log_syslog": lambda s: b"watching" in s.log.data,
}
RUNS: Final = (FIRST, SECOND, THIRD, FOURTH)
"""Checks of each run: key → True if its effect is seen."""


def program(scene: Scene, **more: Any) -> Json:
    """Return Falco's program_output: a shell that notes its start, and appends alerts to a file."""
    command = f"echo start >> {scene.folder}/starts; cat >> {scene.folder}/program.log"
    return {"enabled": True, "program": command, **more}


def first_run(scene: Scene) -> Json:
    """Return nearly all keys, with the first choice of each."""
    extra = {"match": {"rule": "Secret read"}, "extra_output": "site=%static.site team=blue"}
    return {
        **needles(scene.folder), "append_output": [extra], "static_fields": {"site": "lisbon"}, "json_output": True,
        "buffer_format_base64": True, "json_include_message_property": True, "json_include_tags_property": False,
        "time_format_iso_8601": True, "priority": "notice", "rule_matching": "all",
        "rules": [{"enable": {"rule": "Asleep"}}],
        "stdout_output": {"enabled": True}, "syslog_output": {"enabled": True},
        "file_output": {"enabled": True, "filename": str(scene.folder / "file.log")}, "program_output": program(scene),
        "http_output": {
            "enabled": True, "url": f"http://falco:t0ken@127.0.0.1:{scene.http.port}/falco", "echo": True,
            "compress_uploads": True, "user_agent": "agent-9",
        },
    }  # fmt: skip


def second_run(scene: Scene) -> Json:
    """Return the second choice of formats and captures, and mutual TLS."""
    certificates, further, tree = scene.certificates, scene.folder / "further.yaml", needles(scene.folder)
    further.write_text(json.dumps({"file_output": {"enabled": True, "filename": str(scene.folder / "further.log")}}))
    return {
        "engine": tree["engine"], "rules_file": tree["rules_files"][0], "config_files": [str(further)],
        "json_output": True, "json_include_output_property": False, "json_include_output_fields_property": False,
        "log_level": "debug", "log_stderr": True, "stdout_output": {"enabled": True},
        "program_output": program(scene, keep_alive=True),
        "http_output": {
            "enabled": True, "url": f"{scene.https.url}/falco", "ca_bundle": str(certificates.ca), "mtls": True,
            "client_cert": str(certificates.client), "client_key": str(certificates.client_key),
        },
        "capture": {
            "enabled": True, "mode": "all_rules", "path_prefix": str(scene.folder / "kept"), "default_duration": 20_000,
        },
    }  # fmt: skip


def opens(scene: Scene, count: int, *, every: int) -> Json:
    """Return Falco's side with a recording of an alert and opens of 4000 bytes that hardly compress, `every` ns."""
    tree, made, drawn = needles(scene.folder), Capture().process(5, "cat"), random.Random(4)
    made.event("openat", 5, 3, -100, "/secret/a", 1, 0, 0, 1).event("write", 5, 3, b"\x00\xff", 3, 2)
    for number in range(count):
        if number % 100 == 0:
            user_added(made)
        made.time += every
        path = base64.urlsafe_b64encode(drawn.randbytes(3000)).decode()
        made.event("openat", 5, 3, -100, f"/{path}", 1, 0, 0, 1)
    (scene.folder / "reads.scap").write_bytes(made.raw())
    return tree


def third_run(scene: Scene) -> Json:
    """Return a configuration with five megabytes in twenty batches after an alert."""
    return {
        **opens(scene, 2000, every=0), "stdout_output": {"enabled": True},
        "http_output": {"enabled": True, "url": f"{scene.https.url}/falco", "ca_cert": str(scene.certificates.ca)},
        "capture": {
            "enabled": True, "mode": "all_rules", "path_prefix": str(scene.folder / "kept"), "max_file_size_mb": 1,
        },
    }  # fmt: skip


def fourth_run(scene: Scene) -> Json:
    """Return a configuration with ten seconds of events after an alert, and few keys: the effects of other runs are
    absent.
    """
    tree = opens(scene, 1000, every=10_000_000)
    return {
        "engine": tree["engine"], "rules_files": tree["rules_files"], "log_syslog": True,
        "capture": {"enabled": True, "path_prefix": str(scene.folder / "bare"), "default_duration": 1000},
        "http_output": {"enabled": True, "url": f"{scene.https.url}/unverified", "insecure": True},
    }  # fmt: skip


@pytest.mark.timeout(400)
def test_keys_of_falco_reach_receivers_and_are_not_seen_in_every_run(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second, third, fourth = scenes = [stack.enter_context(receivers(tmp_path / str(n))) for n in range(4)]
        first.run = imported_run(first.folder, first_run(first), None, f"sinks.syslog.path={first.folder}/log")
        second.run = imported_run(second.folder, second_run(second))
        third.run = imported_run(third.folder, third_run(third))
        fourth.run = imported_run(fourth.folder, fourth_run(fourth), None, f"log.socket={fourth.folder}/log")

        assert [] == [key for at, keys in zip(scenes, RUNS, strict=True) for key, seen in keys.items() if not seen(at)]
        assert [] == [key for keys in RUNS for key, seen in keys.items() if all(seen(scene) for scene in scenes)]


LASTING: Final = {
    "load_plugins", "metrics.enabled", "metrics.interval", "metrics.output_file", "metrics.output_rule", "plugins",
    "watch_config_files", "webserver.enabled", "webserver.listen_address", "webserver.listen_port",
    "webserver.prometheus_metrics_enabled", "webserver.ssl_certificate", "webserver.ssl_enabled",
}  # fmt: skip


def lasting_tree(scene: Scene, port: int, plugins: list[str]) -> Json:
    """Return keys of Falco for a run without system calls; the plugin k8smeta is loaded if `plugins` names it."""
    certificate, rules = scene.folder / "server.pem", Path(needles(scene.folder)["rules_files"][0])
    rules.write_text(f"{rules.read_text()}\n{OF_A_POD}")
    certificate.write_text(scene.certificates.server.read_text() + scene.certificates.server_key.read_text())
    return {
        "engine": {"kind": "nodriver"}, "rules_files": [str(rules)], "log_stderr": True, "watch_config_files": True,
        "stdout_output": {"enabled": True}, "load_plugins": plugins,
        "plugins": [{"name": "k8smeta", "library_path": "libk8smeta.so"}],
        "metrics": {
            "enabled": True, "interval": "1s", "output_rule": True, "output_file": str(scene.folder / "metrics.log"),
        },
        "webserver": {
            "enabled": True, "listen_address": "127.0.0.2", "listen_port": port, "ssl_enabled": True,
            "ssl_certificate": str(certificate), "prometheus_metrics_enabled": True,
        },
    }  # fmt: skip


def test_keys_of_the_web_server_of_metrics_and_of_plugins_are_seen_while_a_run_lasts(tmp_path: Path) -> None:
    with receivers(tmp_path / "run") as scene:
        folder, port, trusted = scene.folder, free_port(), scene.certificates.client_context()
        (folder / "token").write_text("t0ken")
        overrides = [
            f"sources.falco_http.listen=127.0.0.1:{free_port()}", f"enrichers.kubernetes.service_account={folder}",
            f"enrichers.kubernetes.server=http://127.0.0.1:{scene.http.port}",
        ]  # fmt: skip
        with lasting_run(folder, lasting_tree(scene, port, ["k8smeta"]), *overrides) as run:
            run.wait(lambda: run.stdout.count("mozu lives") > 1, "two heartbeats at the sink of alerts")
            run.wait(lambda: scene.file("metrics.log").count("Heartbeat") > 1, "two heartbeats in the file of metrics")
            run.wait(lambda: bool(scene.http.at("/api")), "k8smeta asks the Kubernetes API")
            with urllib.request.urlopen(f"https://127.0.0.2:{port}/metrics", context=trusted) as page:
                assert b"\nfalcosecurity_" in page.read()
            (folder / "rules.yaml").write_text("- list: added\n  items: [one]\n")
            run.wait(lambda: "reloaded" in run.stderr, "a reload after a file has changed")


def test_a_plugin_that_is_not_loaded_is_none_and_a_web_server_that_is_off_listens_nowhere(tmp_path: Path) -> None:
    with receivers(tmp_path / "run") as scene:
        tree = lasting_tree(scene, 8765, []) | {"webserver": {"enabled": False}, "metrics": {"enabled": False}}
        written = {**tree, "watch_config_files": False}
        (tmp_path / "falco.yaml").write_text(json.dumps(written))
        config = import_falco(tmp_path / "falco.yaml").config

        assert ["users", "containers"] == config["enrichers"]
        assert {"http", "reload"}.isdisjoint(config)
        assert ["stdout"] == config["sinks"]


def test_every_translated_key_of_falco_is_observed() -> None:
    observed = {*OF_THE_KERNEL, *OF_A_DIRECTORY, *LASTING, *(key for keys in RUNS for key in keys)}
    assert {key for key, one in key_table("falco").items() if one.verdict == "translated"} == observed


def test_a_key_without_an_effect_in_this_configuration_is_named_with_the_reason(tmp_path: Path) -> None:
    server = {"enabled": True, "listen_address": "0.0.0.0"}
    (tmp_path / "falco.yaml").write_text(json.dumps({"log_stderr": True, "log_syslog": True, "webserver": server}))
    fates = {fate.key: fate for _, fate in import_falco(tmp_path / "falco.yaml").fates}

    assert ("no equal", "no equal") == (fates["log_syslog"].verdict, fates["webserver.listen_address"].verdict)
    assert "stderr" in fates["log_syslog"].text
    assert "127.0.0.1" in fates["webserver.listen_address"].text
