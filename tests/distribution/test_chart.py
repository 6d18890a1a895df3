"""The chart as it is rendered into charts/manifests/mozu.yaml, and its schema."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner

from mozu.core.cli.group import mozu
from tests.support.requirements import ROOT

CHART = ROOT / "charts/mozu"
MANIFEST = ROOT / "charts/manifests/mozu.yaml"
CAPABILITIES = {"BPF", "PERFMON", "DAC_READ_SEARCH", "SYS_PTRACE"}


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    """Return the rendered objects by kind and name."""
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(MANIFEST.read_text()) if one}


def schema() -> jsonschema_rs.Validator:
    """Return the validator of the chart's values."""
    return jsonschema_rs.validator_for(json.loads((CHART / "values.schema.json").read_text()))


def container(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the only container of the DaemonSet."""
    [found] = objects["DaemonSet/mozu"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_its_configuration_is_accepted_over_that_of_the_image(
    objects: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_NAME", "node-1")
    text = (ROOT / "distribution/image/mozu.yaml").read_text()
    text = text.replace("/etc/mozu/rules.available", str(ROOT / "plugins/rules/packs")).replace(
        "/etc/mozu", str(tmp_path)
    )
    (tmp_path / "mozu.yaml").write_text(f"{text}\nstate_dir: {tmp_path}/state\n")
    for folder in ("config.d", "rules.d", "http"):
        (tmp_path / folder).mkdir()
    for name, content in objects["ConfigMap/mozu-config"]["data"].items():
        (tmp_path / "config.d" / name).write_text(content.replace("/etc/mozu", str(tmp_path)))
    (tmp_path / "http/token").write_text("0123456789abcdef")
    shown = CliRunner().invoke(mozu, ["config", "show", "-c", str(tmp_path / "mozu.yaml")])

    assert shown.exit_code == 0, shown.output
    found = yaml.safe_load(shown.output)
    assert found["host"] == "node-1"
    assert [next(iter(one)) if isinstance(one, dict) else one for one in found["enrichers"]] == [
        "users", "containers", "kubernetes",
    ]  # fmt: skip
    assert found["http"]["listen"] == "0.0.0.0:18765"


def test_the_container_has_the_four_capabilities_and_cannot_gain_more(objects: dict[str, dict[str, Any]]) -> None:
    context = container(objects)["securityContext"]

    assert set(context["capabilities"]["add"]) == CAPABILITIES
    assert context["capabilities"]["drop"] == ["ALL"]
    assert (context["privileged"], context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (
        False, False, True,
    )  # fmt: skip


def test_nothing_of_the_host_can_be_written_but_the_state(objects: dict[str, dict[str, Any]]) -> None:
    pod = objects["DaemonSet/mozu"]["spec"]["template"]["spec"]
    of_host = {one["name"] for one in pod["volumes"] if "hostPath" in one}
    writable = {one["name"] for one in container(objects)["volumeMounts"] if not one.get("readOnly")}

    assert {"tracing", "state", "runtime-0", "runtime-1"} == of_host
    assert of_host & writable == {"state"}


def test_the_role_only_reads(objects: dict[str, dict[str, Any]]) -> None:
    verbs = {verb for rule in objects["ClusterRole/mozu-mozu"]["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


def test_the_values_of_the_page_are_valid_with_their_configuration_and_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/operate/kubernetes.md").read_text()
    [text] = re.findall(r"```yaml\n(image: .*?)```", page, re.DOTALL)
    values = yaml.safe_load(text)
    values["image"]["tag"] = "0.1.0"
    (tmp_path / "mozu.yaml").write_text(yaml.safe_dump({**values["config"], "state_dir": str(tmp_path / "state")}))
    (tmp_path / "team.yaml").write_text(values["rules"]["team.yaml"])
    monkeypatch.chdir(tmp_path)
    checked = CliRunner().invoke(mozu, ["check", "-c", "mozu.yaml", "team.yaml"])

    assert [error.message for error in schema().iter_errors(values)] == []
    assert "team.yaml: Ok" in checked.output


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"image": {"repository": ""}}, "shorter than 1 character"),
        ({"image": {"repository": "r", "digest": "sha256:1"}}, "does not match"),
        ({"imgae": {}}, "Additional properties are not allowed"),
        ({"rules": {"team.txt": "- rule: x"}}, "does not match"),
        ({"capabilities": ["CAP_KILL"]}, "not allowed"),
        ({"runtimePaths": ["run"]}, "does not match"),
    ],
)
def test_values_that_are_wrong_are_refused(change: dict[str, Any], found: str) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    values["image"]["repository"] = "registry.example/mozu"
    assert [error.message for error in schema().iter_errors(values)] == []

    errors = [error.message for error in schema().iter_errors({**values, **change})]
    assert any(found in message for message in errors), errors
