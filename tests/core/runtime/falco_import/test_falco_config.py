"""Translation of Falco's configuration to mozu's."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mozu.core.runtime.falco_import.falco_config import FalcoTranslation
from mozu.core.runtime.falco_import.importing import import_falco


def translated(**tree: Any) -> dict[str, Any]:
    return dict(FalcoTranslation(tree).config())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "falco"),
        ({"time_format_iso_8601": True}, {"falco": {"iso_time": True}}),
        ({"json_output": True}, "json"),
        ({"json_output": "true"}, "json"),
        (
            {"json_output": True, "json_include_output_property": False, "json_include_message_property": True},
            {"json": {"output": False, "message": True}},
        ),
        ({"json_output": True, "buffer_format_base64": True}, {"json": {"base64_bytes": True}}),
    ],
)
def test_the_format_of_alerts(options: dict[str, Any], expected: Any) -> None:
    assert expected == FalcoTranslation(options).format()


def test_the_outputs_become_sinks() -> None:
    found = translated(
        stdout_output={"enabled": True},
        syslog_output={"enabled": "false"},
        file_output={"enabled": True, "filename": "${LOGS}/x"},
        program_output={"enabled": True, "program": "cat", "keep_alive": True},
        http_output={"enabled": True, "url": "https://x.example", "mtls": True, "client_cert": "/c", "client_key": "/k",
                     "ca_cert": "/ca", "compress_uploads": True},
    )  # fmt: skip

    stdout, file, program, hook = found["sinks"]
    assert "stdout" == stdout
    assert {"file": {"path": "${LOGS:-}/x"}} == file
    assert {"program": {"command": "cat", "keep_alive": True, "spool": True}} == program
    assert {"ca": "/ca", "certificate": "/c", "key": "/k"} == hook["webhook"]["tls"]
    assert hook["webhook"]["gzip"] is True


def test_outputs_that_may_be_out_of_order_get_a_spool_so_that_a_stop_does_not_wait_for_them() -> None:
    found = translated(syslog_output={"enabled": True}, program_output={"enabled": True, "program": "cat"})
    assert [one[name]["spool"] for one in found["sinks"] for name in one] == [True, True]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"ca_path": "/etc/ssl/certs"}, None),
        ({"ca_path": "/etc/team/certs"}, {"ca": "/etc/team/certs"}),
        ({"ca_path": "/etc/team/certs", "ca_cert": "/ca"}, {"ca": "/ca"}),
    ],
)
def test_a_directory_of_authorities_is_kept_unless_it_is_the_systems(
    written: dict[str, str], expected: dict[str, str] | None
) -> None:
    (hook,) = translated(http_output={"enabled": True, "url": "https://x.example", **written})["sinks"]

    assert expected == hook["webhook"].get("tls")


def test_a_listener_that_others_could_reach_stays_on_loopback_and_beside_a_falco() -> None:
    translation = FalcoTranslation({"webserver": {"enabled": True, "prometheus_metrics_enabled": True}})

    assert {"listen": "127.0.0.1:18765", "falco_names": True} == translation.config()["http"]
    assert any("0.0.0.0 became 127.0.0.1" in note for note in translation.notes)


def test_snapshots_of_metrics_become_heartbeats() -> None:
    metrics = {"enabled": True, "interval": "1h30m", "output_rule": True}

    assert [{"stdout": {"heartbeat": 5400.0}}] == translated(metrics=metrics, stdout_output={"enabled": True})["sinks"]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("append", (["a", "b"], "second")), ("override", (["b"], "second")), ("add-only", (["a"], "first"))],
)
def test_further_files_are_merged_by_their_strategy(tmp_path: Path, strategy: str, expected: Any) -> None:
    for name in "ab":
        (tmp_path / name).write_text("[]")
    more = {"rules_files": [str(tmp_path / "b")], "priority": "error", "static_fields": {"x": "second"}}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more))
    main = {
        "rules_files": [str(tmp_path / "a")], "static_fields": {"x": "first"},
        "config_files": [{"path": str(tmp_path / "more.yaml"), "strategy": strategy}, "/absent"],
    }  # fmt: skip
    (tmp_path / "falco.yaml").write_text(yaml.safe_dump(main))

    evaluators: Any = import_falco(tmp_path / "falco.yaml").config["evaluators"]
    settings = evaluators[0]["falco"]
    rules = [Path(path).name for path in settings["rules"]]
    assert expected == (rules, settings["static_fields"]["x"])
    assert "error" == settings["priority"]


def test_what_has_no_equal_is_said() -> None:
    translation = FalcoTranslation({"plugins": [{"name": "cloudtrail"}], "rules_files": ["/absent/rules.yaml", "/"]})

    translation.config()

    assert any("cloudtrail has no equal" in note for note in translation.notes)
    assert any("/absent/rules.yaml does not exist" in note for note in translation.notes)


@pytest.mark.parametrize("name", ["k8saudit", "k8saudit-eks"])
def test_rules_of_the_audit_log_load_and_their_source_is_named(name: str) -> None:
    translation = FalcoTranslation({"plugins": [{"name": name}]})

    translation.config()

    (note,) = (note for note in translation.notes if note.startswith("plugins"))
    assert "load" in note
    assert "add the source k8s_audit" in note
    assert "refused" not in note


@pytest.mark.parametrize("named", [["/absent/a.yaml", "/absent/b.yaml"], []])
def test_where_no_rule_file_exists_no_other_rules_take_their_place(named: list[str]) -> None:
    translation = FalcoTranslation({"rules_files": named})

    evaluators: Any = translation.config()["evaluators"]

    assert not translation.has_rules
    assert (named or ["/etc/falco/falco_rules.yaml"])[0] == evaluators[0]["falco"]["rules"][0]
