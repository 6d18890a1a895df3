"""`mozu check` of a configuration: each doubt is reported once, with a place and a code, in the text and in the JSON.
"""

import logging
import re
import socket
from pathlib import Path

import orjson
import pytest

from mozu.core.cli.check_warnings import logged_warnings
from mozu.core.cli.config_codes import ConfigCode
from mozu.core.language.rules import Code
from tests.core.cli.command_line import Run
from tests.core.runtime.distributions import Install

ROOT = Path(__file__).parents[3]

RULES = """
- macro: idle
  condition: evt.type = close
- list: empty_list
  items: [a, b]
- rule: Any
  desc: It may match every call.
  condition: proc.name = cat
  output: "%container.image.repository"
  priority: NOTICE
- rule: Doubtful
  desc: It compares with what nothing is, and reads what openat has not.
  condition: evt.type = openat and fd.name regex 'abc' and evt.arg.addr = 3 and proc.pname = <NA>
  output: "%evt.dir"
  priority: NOTICE
- rule: Created
  desc: It reads an audit log.
  condition: ka.verb = create
  output: "%ka.uri"
  priority: NOTICE
  source: k8s_audit
"""
SINK = """
from mozu.core.api import Settings, SinkDeclaration, hookimpl

class Bell:
    def __init__(self, settings, context):
        context.log.warning("the bell has a crack")
    def start(self): ...
    async def deliver(self, records): return []
    async def stop(self): ...

@hookimpl
def mozu_components():
    return SinkDeclaration(name="bell", build=Bell, settings=Settings, summary="Rings.")
"""
CONFIGURATION = """
sources: [syscalls]
enrichers: [users]
evaluators:
  - falco:
      rules: [{rules}]
      append_output: [{{match: {{source: syscall}}, extra_output: "%evt.dir"}}]
      selection:
        - disable: {{rule: Created*}}
        - disable: {{tag: T9999}}
        - enable: {{rule: Doubtfull}}
        - enable: {{rule: Created}}
  - falco:
      id: again
      rules: [{rules}]
      selection:
        - enable: {{rule: Nothing}}
sinks:
  - bell
  - syslog: {{path: '{folder}/no.sock'}}
"""


@pytest.fixture
def doubtful(tmp_path: Path, install: Install) -> Path:
    """Return a configuration that causes every warning."""
    install("mozu-bell", {"bell_plugin": SINK}, bell="bell_plugin")
    rules, file = tmp_path / "rules.yaml", tmp_path / "mozu.yaml"
    rules.write_text(RULES)
    file.write_text(CONFIGURATION.format(rules=rules, folder=tmp_path))
    return file


def test_the_text_and_the_json_have_the_same_warnings(run: Run, doubtful: Path) -> None:
    code, out, err = run("check", "-c", doubtful)
    json_code, json_out, json_err = run("check", "-c", doubtful, "--json")
    assert (code, json_code, json_err) == (0, 0, "")
    found = orjson.loads(json_out)
    of_configuration = [
        f"{one['file']}:{one['line']}:{one['column']}: {one['code']}: {one['message']}".replace(":0:0:", ":")
        for one in found["configuration"]["warnings"]
    ]
    said = [f"mozu: warning: {one}" for one in of_configuration]
    assert said + [f"mozu: note: {one}" for one in found["configuration"]["notes"]] == err.splitlines()
    (file,) = found["falco_load_results"]
    assert [(one["code"], one["message"]) for one in file["warnings"]] == re.findall(
        r"^\S+rules\.yaml:\d+:\d+: (\w+) \(.*?\): (.*)$", out, re.MULTILINE
    )
    places = [link["position"] for one in file["warnings"] for link in one["context"]["locations"]]
    assert {place["name"] for place in places if not place["name"].startswith('"')} == {file["name"]}


def test_a_source_on_whose_alerts_no_responder_acts_is_named_where_it_stands(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mozu.yaml"
    text = "sources:\n  - kafka: {topics: [audit], bootstrap_servers: ['127.0.0.1:9']}\nresponders: [stop]\n"
    file.write_text(f"{text}sinks: [stdout]\nevaluators: []\nenrichers: []\nstate_dir: {tmp_path}\n")
    _, _, err = run("check", "-c", file, "--for-another-machine")
    (line,) = [one for one in err.splitlines() if "CONFIG_UNACTED_SOURCE" in one]
    assert "mozu.yaml:2:5: CONFIG_UNACTED_SOURCE: responders act on no alert about events of source kafka" in line
    _, _, err = run("check", "-c", file, "--for-another-machine", "-o", "responders=[]")
    assert "CONFIG_UNACTED_SOURCE" not in err


def test_every_warning_of_a_configuration_is_said_once_with_the_place_of_its_cause(run: Run, doubtful: Path) -> None:
    _, out, err = run("check", "-c", doubtful)
    folder = doubtful.parent
    warnings = re.findall(r"^mozu: warning: (.*)$", err.replace(f"{folder}/", ""), re.MULTILINE)
    assert [" ".join(line.split(" ")[:2]) for line in warnings] == [
        "mozu.yaml: CONFIG_PLUGIN:",
        "mozu.yaml:20:5: CONFIG_START_OBSTACLE:",
        "mozu.yaml:10:11: CONFIG_UNMATCHED_SELECTION:",
        "mozu.yaml:11:11: CONFIG_UNMATCHED_SELECTION:",
        "mozu.yaml:17:11: CONFIG_UNMATCHED_SELECTION:",
        "rules.yaml:16:3: CONFIG_UNFED_RULES:",
        "rules.yaml:6:3: CONFIG_UNFILLED_FIELDS:",
        "mozu.yaml:19:5: CONFIG_COMPONENT:",
    ]
    assert {line.split(" ")[1].rstrip(":") for line in warnings} == {
        code.value
        for code in ConfigCode
        if code not in (ConfigCode.CONFIG_UNACTED_SOURCE, ConfigCode.CONFIG_EXPIRED_EXCEPTION)  # tested elsewhere
    }
    assert warnings[-1].endswith(": the bell has a crack")
    assert warnings[3].endswith("did you mean `Doubtful`?")
    of_rules = re.findall(r"^\S+rules\.yaml:\d+:\d+: .*$", out, re.MULTILINE)
    assert len(of_rules) == len(set(of_rules))
    assert "LOAD_REDEFINED_RULE" not in out


def test_what_the_configuration_appends_to_outputs_is_checked_with_the_rules(run: Run, doubtful: Path) -> None:
    _, out, _ = run("check", "-c", doubtful)
    assert "help: this part comes from the configuration (append_output)" in out


def test_a_place_of_the_command_line_has_no_line(run: Run, doubtful: Path) -> None:
    option = 'evaluators.falco.selection=[{"enable": {"rule": "Nothing"}}]'
    _, out, _ = run("check", "-c", doubtful, "-o", option, "--json")
    first = next(
        one
        for one in orjson.loads(out)["configuration"]["warnings"]
        if one["code"] == "CONFIG_UNMATCHED_SELECTION" and one["line"] == 0
    )
    assert first["file"].startswith("-o evaluators.falco.selection")


def test_only_warnings_within_the_block_are_kept() -> None:
    with logged_warnings() as found:
        logging.getLogger("mozu.bell").warning("a %s", "crack")
        logging.getLogger("mozu.bell").info("polished")
        logging.getLogger("other").warning("not mozu's")
    logging.getLogger("mozu.bell").warning("too late")
    assert [(one.logger, one.text) for one in found] == [("mozu.bell", "a crack")]


@pytest.mark.parametrize("code", ConfigCode)
def test_a_code_is_explained_by_the_command_and_by_the_documentation(run: Run, code: ConfigCode) -> None:
    _, out, _ = run("explain", code.value)
    assert " ".join(out.split()).endswith(code.paragraph)
    document = " ".join((ROOT / "docs" / "rules" / "errors.md").read_text().split())
    assert f"## {code.value} {code.title} {code.paragraph}" in document


def test_codes_of_configurations_and_of_rules_have_names_of_their_own() -> None:
    assert {code.value for code in Code}.isdisjoint(code.value for code in ConfigCode)


def test_a_port_that_another_program_holds_is_refused_as_a_start_refuses_it(run: Run, tmp_path: Path) -> None:
    state = f"state_dir={tmp_path}"  # below the usual one another mozu may run, which would be taken for the holder
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"http.listen=127.0.0.1:{other.getsockname()[1]}"

        code, out, _ = run("check", "-o", state, "-o", listen)
        elsewhere, _, _ = run("check", "-o", state, "-o", listen, "--for-another-machine")

    assert (1, 0) == (code, elsewhere)
    assert "http: cannot listen on 127.0.0.1:" in out


def test_a_file_below_proc_is_an_obstacle(run: Run) -> None:
    code, _, err = run("check", "-o", "sinks=[{file: {path: /proc/nope/alerts}}]")

    assert 0 == code
    assert "CONFIG_START_OBSTACLE: sink file: /proc/nope/alerts cannot be made" in err


@pytest.mark.parametrize(
    ("selection", "count"), [("", 1), ("{shadow: {rule: Any *}}", 0), ("{shadow: {rule: Any}}", 0)]
)
def test_rules_that_the_configuration_puts_in_shadow_mode_hide_no_others(
    run: Run, tmp_path: Path, selection: str, count: int
) -> None:
    text = "- rule: {}\n  desc: d\n  condition: evt.type = chdir{}\n  output: '%proc.name'\n  priority: NOTICE\n"
    (tmp_path / "r.yaml").write_text(text.format("Any", "") + text.format("Any of root", " and user.uid = 0"))
    settings = f"rules: [{tmp_path}/r.yaml], selection: [{selection}]"
    (tmp_path / "c.yaml").write_text(
        f"sources: [syscalls]\nevaluators: [{{falco: {{{settings}}}}}]\nsinks: [stdout]\n"
    )

    _, shown, _ = run("check", "-c", tmp_path / "c.yaml", "--for-another-machine")

    assert count == shown.count(Code.LINT_HIDDEN_RULE.value)
