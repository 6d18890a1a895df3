"""Every key is accounted for, and the written configuration passes `mozu check`."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from mozu.core.cli import invoke
from mozu.core.cli.group import COMMANDS
from mozu.core.runtime.falco_import.document import renewed
from mozu.core.runtime.falco_import.falco_options import option_rows
from mozu.core.runtime.falco_import.importing import ImportFailed, import_falco
from mozu.core.runtime.falco_import.key_table import fate_of, key_table
from tests.support.requirements import ROOT

VALUES: Final[dict[str, Any]] = {
    "append_output": [{"match": {"source": "syscall"}, "extra_output": "x"}],
    "capture.mode": "all_rules",
    "capture.enabled": True,
    "engine.kind": "modern_ebpf",
    "engine.modern_ebpf.buf_size_preset": 5,
    "file_output.enabled": True,
    "file_output.filename": "/tmp/falco.log",
    "http_output.enabled": True,
    "http_output.url": "https://x.example/",
    "json_output": True,
    "log_level": "notice",
    "metrics.enabled": True,
    "metrics.interval": "1h",
    "metrics.output_rule": True,
    "plugins": [{"name": "container", "library_path": "libcontainer.so"}],
    "priority": "Warning",
    "program_output.enabled": True,
    "program_output.program": "cat",
    "rule_matching": "all",
    "rules": [{"disable": {"tag": "network"}}],
    "static_fields": {"a": "b"},
    "stdout_output.enabled": True,
    "syslog_output.enabled": True,
    "webserver.enabled": True,
}
SIDEKICK: Final[dict[str, Any]] = {
    "slack": {"webhookurl": "https://s.example/x", "minimumpriority": "warning"},
    "discord": {"webhookurl": "https://d.example/x"},
    "pagerduty": {"routingKey": "k3y"},
    "alertmanager": {"hostport": ["https://a.example:9093"]},
    "elasticsearch": {"hostport": "https://e.example:9200", "username": "u", "password": "p"},
    "loki": {"hostport": "https://l.example:3100"},
    "otlp": {"logs": {"endpoint": "https://o.example:4318/v1/logs", "headers": "a=b", "timeout": 5000}},
    "kafka": {"hostport": "k.example:9092", "topic": "falco"},
    "syslog": {"host": "s.example", "port": 514, "protocol": "tcp"},
    "webhook": {"address": "https://w.example/", "customHeaders": {"X-A": "b"}},
    "cloudevents": {"address": "https://c.example/"},
    "smtp": {"hostport": "m.example:25", "from": "a@m.example", "to": "b@m.example, c@m.example"},
    "aws": {
        "accessKeyID": "a",
        "secretAccessKey": "k3y",
        "s3": {"bucket": "falco", "prefix": "p/", "objectCannedACL": "private"},
    },
    "yandex": {"accessKeyID": "a", "secretAccessKey": "k3y", "s3": {"bucket": "falco", "minimumPriority": "error"}},
    "opsgenie": {"apikey": "k"},
}


def whole() -> dict[str, Any]:
    """Return a configuration of Falco with every key."""
    tree: dict[str, Any] = {}
    for key in key_table("falco"):
        at = tree
        *above, last = key.split(".")
        for step in above:
            at = at.setdefault(step, {})
        at[last] = VALUES.get(key, "")
    return tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "falco.yaml").write_text(yaml.safe_dump(whole()))
    (tmp_path / "sidekick.yaml").write_text(yaml.safe_dump(SIDEKICK))
    return tmp_path


@pytest.mark.parametrize("more", [[], ["--sidekick"]], ids=["falco", "with falcosidekick"])
def test_what_is_written_passes_a_check(folder: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "mozu.yaml"
    arguments = [*more, str(folder / "sidekick.yaml")] if more else []

    assert 0 == invoke(["import", str(folder / "falco.yaml"), *arguments, "-o", str(output)])

    assert 0o600 == output.stat().st_mode & 0o777
    account = capsys.readouterr().err
    assert "unknown" not in account
    assert "k3y" not in account
    assert 0 == invoke(["config", "show", "-c", str(output)]), capsys.readouterr().err


def test_every_key_of_the_files_is_accounted_for_once(folder: Path) -> None:
    found = import_falco(folder / "falco.yaml", folder / "sidekick.yaml")

    assert sorted(key_table("falco")) == sorted(fate.key for product, fate in found.fates if product == "falco")
    assert [] == [fate.key for _, fate in found.fates if fate.verdict == "unknown"]


def test_a_key_that_neither_has_is_said_and_is_an_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "falco.yaml"
    path.write_text("json_outptu: true\nstdout_output: {enabled: true}\n")

    assert 2 == invoke(["import", str(path)])

    assert "json_outptu" in capsys.readouterr().err


def test_rules_that_are_not_there_are_an_exit_code_and_refused_by_a_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "falco.yaml", tmp_path / "mozu.yaml"
    path.write_text(f"rules_files: [{tmp_path}/absent.yaml]\nstdout_output: {{enabled: true}}\n")

    assert 2 == invoke(["import", str(path), "-o", str(output)])
    assert "rules_files: none of the files exists here" in capsys.readouterr().err
    assert 1 == invoke(["check", "-c", str(output)])
    assert f"{tmp_path}/absent.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["-V", "rules.yaml"], "`mozu check FILE`"),
        (["run", "-M", "45"], "`mozu run --duration 45`"),
        (["run", "--list=syscall"], "`mozu fields`"),
        (["-L"], "`mozu rules list`"),
        (["run", "-l", "Some rule"], "`mozu rules show"),
        (["check", "--validate", "x"], "`mozu check FILE`"),
    ],
)
def test_an_option_of_falco_is_answered_with_what_to_type(
    arguments: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == invoke(arguments)

    assert f"It is an option of Falco; mozu has {answer}" in capsys.readouterr().err


def test_commands_that_are_named_for_options_of_falco_exist() -> None:
    named = {word for _, text in option_rows() for word in re.findall(r"`mozu (\w+)", text)}

    assert named <= set(COMMANDS)


def test_what_one_configuration_leaves_out_is_not_called_translated(folder: Path) -> None:
    (folder / "sidekick.yaml").write_text("smtp: {hostport: 'm:25', from: a@m, to: b@m, user: u, tls: false}")

    fates = {fate.key: fate.verdict for _, fate in import_falco(folder / "falco.yaml", folder / "sidekick.yaml").fates}

    assert ("no equal", "translated") == (fates["smtp.user"], fates["smtp.from"])
    assert "needless" == fates["http_output.url"]


def test_a_file_that_exists_is_not_replaced(folder: Path) -> None:
    output = folder / "mozu.yaml"
    output.write_text("mine")

    assert 0 != invoke(["import", str(folder / "falco.yaml"), "-o", str(output)])
    assert "mine" == output.read_text()


@pytest.mark.parametrize("text", ["- a", "a: [", "", "1: 2"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "falco.yaml"
    path.write_text(text)

    with pytest.raises(ImportFailed, match="falco"):
        import_falco(path)


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ("slack.minimumpriority", "translated"),
        ("Slack.WebhookURL", "translated"),
        ("opsgenie.minimumpriority", "no equal"),
        ("slack", "needless"),
        ("loki.checkcert", "translated"),
        ("loki.customHeaders.X-Y", "translated"),
        ("aws.s3.bucket", "translated"),
        ("aws.sqs.url", "no equal"),
        ("zzz.minimumpriority", "unknown"),
        ("slack.zzz", "unknown"),
    ],
)
def test_the_account_of_a_key_of_falcosidekick(key: str, verdict: str) -> None:
    assert verdict == fate_of("sidekick", key).verdict


def translated(folder: Path, text: str) -> tuple[dict[str, Any], str]:
    """Return the configuration that a falco.yaml becomes, with its notes; it passes a check."""
    (folder / "falco.yaml").write_text(f"rules_files: [{folder}]\n{text}")
    output = folder / "translated.yaml"
    assert 0 == invoke(["import", str(folder / "falco.yaml"), "-o", str(output)])
    assert 0 == invoke(["config", "show", "-c", str(output)])
    return yaml.safe_load(output.read_text()), " ".join(import_falco(folder / "falco.yaml").notes)


def test_a_receiver_that_is_not_verified_stays_so_and_this_is_said(folder: Path) -> None:
    http = "http_output: {enabled: true, url: 'https://r.example/', insecure: true, echo: true, ca_cert: /etc/ca.pem}"

    config, notes = translated(folder, http)

    (sink,) = config["sinks"]
    assert {"verify": False} == sink["webhook"]["tls"]
    assert {"sink.http_output": "debug"} == config["log"]["levels"]
    assert "http_output.insecure: the certificate is not verified" in notes


def test_a_file_of_metrics_is_one_of_heartbeats_alone(folder: Path) -> None:
    metrics = "metrics: {enabled: true, interval: 5m, output_rule: false, output_file: /var/m.jsonl}"

    config, _ = translated(folder, f"stdout_output: {{enabled: true}}\n{metrics}\n")

    stdout, file = config["sinks"]
    assert "stdout" == stdout
    found = tuple(file["file"][key] for key in ("heartbeat", "path", "route"))
    assert (300, "/var/m.jsonl", {"not_rules": ["*"]}) == found


@pytest.mark.parametrize(
    ("length", "found", "is_said"), [(0, None, False), (80, None, False), (512, 512, False), (9000, 4095, True)]
)
def test_how_much_of_io_events_carry(folder: Path, length: int, found: int | None, is_said: bool) -> None:
    config, notes = translated(folder, f"stdout_output: {{enabled: true}}\nfalco_libs: {{snaplen: {length}}}\n")

    choice = {"source": {"ebpf": {"snaplen": found}}, "fallback": {"ptrace": {"snaplen": found, "others": "refused"}}}
    assert config["sources"] == (["syscalls"] if found is None else [{"syscalls": choice}])
    assert is_said == ("snaplen" in notes)


def test_receivers_of_falcosidekick_that_are_not_verified_stay_so(folder: Path) -> None:
    (folder / "sidekick.yaml").write_text("slack: {webhookurl: 'https://s.example/', checkcert: false}")

    found = import_falco(folder / "falco.yaml", folder / "sidekick.yaml")

    assert {"verify": False} in [sink["webhook"].get("tls") for sink in _webhooks(found.config["sinks"])]
    assert any(note.startswith("slack.checkcert") for note in found.notes)


def _webhooks(sinks: Any) -> list[Any]:
    return [sink for sink in sinks if isinstance(sink, dict) and "webhook" in sink]


def test_a_storage_of_falcosidekick_is_a_sink_with_its_layout_of_keys(folder: Path) -> None:
    found = import_falco(folder / "falco.yaml", folder / "sidekick.yaml")

    sinks = found.config["sinks"]
    assert isinstance(sinks, list)
    aws, yandex = (sink["s3"] for sink in sinks if isinstance(sink, dict) and "s3" in sink)
    assert isinstance(aws, dict)
    assert isinstance(yandex, dict)
    assert ("p/{date}/", {"x-amz-acl": "private"}, "us-east-1") == (aws["prefix"], aws["headers"], aws["region"])
    assert ("https://storage.yandexcloud.net", {"priority": "error"}) == (yandex["endpoint"], yandex["route"])
    assert not [note for note in found.notes if note.startswith(("aws", "yandex"))]


def test_a_storage_without_an_access_key_is_left_out_and_said(folder: Path) -> None:
    (folder / "sidekick.yaml").write_text("aws: {s3: {bucket: b}, sqs: {url: 'https://q.example'}}")

    found = import_falco(folder / "falco.yaml", folder / "sidekick.yaml")

    notes = [note for note in found.notes if note.startswith("aws")]
    assert ["aws.s3.bucket", "aws.sqs"] == [note.partition(":")[0] for note in notes]


def test_keys_of_access_alone_are_no_output_without_equal(folder: Path) -> None:
    (folder / "sidekick.yaml").write_text("aws: {accesskeyid: A, secretaccesskey: S, region: r, s3: {bucket: b}}")

    found = import_falco(folder / "falco.yaml", folder / "sidekick.yaml")

    assert not [note for note in found.notes if note.startswith("aws")]


def test_the_tables_of_the_page_are_current() -> None:
    page = (ROOT / "docs/operate/from-falco.md").read_text()

    assert renewed(page) == page, "run `make docs`"


def test_mozu_points_here_where_it_is_given_a_configuration_of_falco(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "falco.yaml"

    assert 1 == invoke(["config", "show", "-c", str(path)])

    shown = capsys.readouterr().err
    assert f"this is a configuration of Falco; `mozu import {path} -o mozu.yaml` translates it" in shown
    assert "1 mistake" in shown
