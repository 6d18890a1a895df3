from pathlib import Path
from typing import Any

import orjson
import pytest

from mozu.core.language.rules import left_out
from tests.core.cli.command_line import Run
from tests.support.requirements import corpus

RULES = """
- list: editors
  items: [vi, nano]
- macro: opened
  condition: evt.type in (open, openat)
- rule: Editor at work
  desc: An editor opened a file.
  condition: opened and proc.name in (editors)
  output: an editor opened %fd.name
  priority: NOTICE
  tags: [T1003, host]
- rule: Shell at work
  desc: A shell ran.
  condition: evt.type = execve and proc.name = bash
  output: a shell ran (%proc.name)
  priority: ERROR
  enabled: false
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def test_good_rules_pass(run: Run, rules: Path) -> None:
    code, out, err = run("check", rules)
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{rules}: Ok", "2 rules, 1 macros, 1 lists"]


def test_a_mistake_in_a_rule_has_its_place_and_the_code_is_1(run: Run, rules: Path) -> None:
    rules.write_text(RULES.replace("proc.name = bash", "proc.nmae = bash"))
    code, out, _ = run("check", rules)
    assert code == 1
    assert f"{rules}:" in out
    assert "LOAD_ERR_COMPILE_CONDITION" in out
    assert "proc.nmae" in out


def test_the_json_of_rule_files_has_the_shape_of_falcos_validation(run: Run, rules: Path) -> None:
    code, out, _ = run("check", rules, "--json")
    assert code == 0
    assert orjson.loads(out) == {
        "falco_load_results": [{"name": str(rules), "successful": True, "errors": [], "warnings": []}]
    }


def test_the_configuration_is_checked_with_the_rules_it_names(run: Run, rules: Path, tmp_path: Path) -> None:
    path, recording = tmp_path / "mozu.yaml", tmp_path / "x"
    recording.touch()
    evaluators = f"evaluators: [falco: {{rules: ['{rules}']}}]"
    path.write_text(f"sources: [replay: {{files: [{recording}]}}]\nenrichers: [users]\n{evaluators}\n")
    code, out, err = run("check", "-c", path)
    assert (code, err) == (0, f"mozu: note: evaluator falco: {left_out([rules])}\n")
    assert out.splitlines() == [f"{path}: Ok", f"{rules}: Ok", "2 rules, 1 macros, 1 lists"]


def test_a_second_configuration_would_hide_the_first_and_is_refused(run: Run) -> None:
    code, _, err = run("check", "-c", "a.yaml", "-c", "b.yaml")
    assert code != 0
    assert "given 2 times (a.yaml, b.yaml); put what differs into config.d" in err


def test_mistakes_of_the_configuration_are_reported_by_check(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text("evaluators:\n  - falco: {rulse: []}\n")
    code, out, _ = run("check", "-c", path)
    assert code == 1
    assert out.splitlines() == [
        f"{path}:2:13: evaluator falco: unknown setting rulse; did you mean 'rules'?",
        "The configuration has 1 mistake.",
    ]


def test_mistakes_of_the_configuration_are_in_the_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text("lgo: {}\n")
    code, out, _ = run("check", "-c", path, "--json")
    assert code == 1
    assert orjson.loads(out)["configuration"] == {
        "successful": False,
        "problems": [f"{path}:1:1: unknown key 'lgo'; did you mean 'log'?"],
    }


def test_what_an_evaluator_refuses_when_it_is_built_is_found(run: Run, rules: Path, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text(
        f"evaluators:\n  - falco: {{rules: ['{rules}'], append_output: [{{extra_output: '%no.such.field'}}]}}\n"
    )
    code, out, _ = run("check", "-c", path)
    assert code == 1
    assert "no.such.field" in out


def test_rules_are_listed_with_priority_and_tags(run: Run, rules: Path) -> None:
    code, out, _ = run("rules", "list", "-r", rules)
    assert code == 0
    assert out.splitlines() == [
        "RULE                      PRIORITY  SOURCE   TAGS",
        "Editor at work            Notice    syscall  T1003 host",
        "Shell at work (disabled)  Error     syscall",
    ]


def test_the_list_says_what_the_configuration_lets_run(run: Run, rules: Path, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    selection = "[enable: {rule: 'Shell*'}, disable: {tag: T1003}]"
    path.write_text(f"evaluators:\n  - falco: {{rules: ['{rules}'], selection: {selection}}}\n")
    code, out, _ = run("rules", "list", "-c", path)
    assert code == 0
    assert [line.partition("  ")[0] for line in out.splitlines()[1:]] == [
        "Shell at work",
        "Editor at work (disabled by selection)",
    ]
    _, out, _ = run("rules", "list", "-c", path, "-o", "evaluators.falco.priority=error", "--json")
    assert [(rule["name"], rule["runs"], rule.get("idle", "")) for rule in orjson.loads(out)] == [
        ("Shell at work", True, ""),
        (
            "Editor at work",
            False,
            "it has the priority Notice, and `priority` lets run Error and above",
        ),
    ]


@pytest.mark.parametrize("choice", [["Edit*"], ["Editor"], ["--tag", "T1003"]])
def test_rules_can_be_picked_by_name_and_by_tag(run: Run, rules: Path, choice: list[str]) -> None:
    _, out, _ = run("rules", "list", "-r", rules, "--json", *choice)
    assert [rule["name"] for rule in orjson.loads(out)] == ["Editor at work"]


def test_no_rule_that_fits_is_reported_by_the_exit_code(run: Run, rules: Path) -> None:
    assert run("rules", "list", "-r", rules, "nothing") == (1, "", "mozu: no rule fits\n")


def test_a_rule_is_shown_as_its_file_has_it(run: Run, rules: Path) -> None:
    _, out, _ = run("rules", "show", "Editor at work", "-r", rules)
    assert out.startswith(f"rule Editor at work  ({rules}:6)")
    assert "opened and proc.name in (editors)" in out


def test_a_rule_is_explained_with_macros_and_lists_resolved(run: Run, rules: Path) -> None:
    _, out, _ = run("rules", "explain", "Editor at work", "-r", rules)
    assert "evt.type in (open, openat) and proc.name in (vi, nano)" in out
    assert "events\n  open, openat\n" in out
    assert "T1003, host" in out


FILTERED = """
- rule: Exact
  desc: d
  condition: evt.type = ptrace and evt.rawres >= 0 and evt.rawarg.pid != 1
  output: o
  priority: INFO
- rule: Necessary
  desc: d
  condition: evt.type in (open, openat) and evt.failed = true and fd.name = /etc/shadow
  output: o
  priority: INFO
- rule: None
  desc: d
  condition: evt.type = setuid and user.name = root
  output: o
  priority: INFO
"""


NO_HOOK = "no hook of the security modules decides such a call"


@pytest.mark.parametrize(
    ("rule", "line", "data"),
    [
        (
            "Exact",
            "ptrace: exact",
            {"ptrace": {"precision": "exact", "inexact": "", "undecided": "", "undenied": NO_HOOK}},
        ),
        (
            "Necessary",
            "open, openat: necessary; the first test that is not exact is: fd.name = /etc/shadow",
            {
                name: {
                    "precision": "necessary", "inexact": "fd.name = /etc/shadow",
                    "undecided": "it is not decided there for good: fd.name = /etc/shadow",
                    "undenied": "the hook does not know which call it is; name all of open, openat, openat2, creat",
                }
                for name in ("open", "openat")
            },
        ),
        (
            "None",
            "setuid: none; the first test that is not exact is: user.name = root",
            {
                "setuid": {
                    "precision": "none", "inexact": "user.name = root",
                    "undecided": "what such a call is about is not resolved in the kernel",
                    "undenied": NO_HOOK,
                }
            },
        ),
    ],
)  # fmt: skip
def test_what_the_kernel_filter_can_test_of_a_rule_is_explained(
    run: Run, tmp_path: Path, rule: str, line: str, data: dict[str, Any]
) -> None:
    path = tmp_path / "filtered.yaml"
    path.write_text(FILTERED)

    _, out, _ = run("rules", "explain", rule, "-r", path)
    _, json, _ = run("rules", "explain", rule, "-r", path, "--json")

    assert f"filtered by ebpf\n  {line}\n" in out
    assert "kill in the kernel by ebpf\n" in out
    assert {"ebpf": data} == orjson.loads(json)["filtered_by"]


def test_long_lists_are_shortened_for_people(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    (tmp_path / "bad.txt").write_text("".join(f"10.0.{number >> 8}.{number & 255}\n" for number in range(2_000)))
    path.write_text(
        "- list: bad\n  items_from: bad.txt\n"
        "- macro: is_bad\n  condition: (fd.sip in (bad))\n"
        "- rule: A\n  desc: b\n  condition: evt.type = connect and is_bad\n  output: '%fd.sip'\n  priority: INFO\n"
    )

    for name in ("A", "is_bad", "bad"):
        _, out, _ = run("rules", "explain", name, "-r", path)
        assert "10.0.0.29, … 1,970 more" in " ".join(out.split())
        assert "10.0.0.30" not in out
        _, json, _ = run("rules", "explain", name, "-r", path, "--json")
        assert "10.0.7.207" in json
        assert "more" not in json


def test_macros_and_lists_are_explained_too(run: Run, rules: Path) -> None:
    _, out, _ = run("rules", "explain", "editors", "-r", rules, "--json")
    assert (orjson.loads(out)["kind"], orjson.loads(out)["details"]["items_compiled"]) == ("list", ["vi", "nano"])


def test_a_misspelt_rule_gets_a_suggestion(run: Run, rules: Path) -> None:
    code, _, err = run("rules", "show", "Editor at wrok", "-r", rules)
    assert code == 2
    assert "no rule, macro, list or shared exception is called 'Editor at wrok'; did you mean 'Editor at work'?" in err


def test_broken_rules_cannot_be_listed(run: Run, rules: Path) -> None:
    rules.write_text("- rule: x\n")
    code, out, err = run("rules", "list", "-r", rules)
    assert (code, out) == (1, "")
    assert str(rules) in err


def test_hostile_names_are_escaped(run: Run, rules: Path) -> None:
    rules.write_text(RULES.replace("rule: Shell at work", 'rule: "\\e[2J"'))
    _, out, _ = run("rules", "list", "-r", rules)
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


def test_a_code_is_explained(run: Run) -> None:
    code, out, _ = run("explain", "load_err_validate")
    assert code == 0
    assert out.startswith("LOAD_ERR_VALIDATE: ")


def test_all_codes_are_listed(run: Run) -> None:
    _, out, _ = run("explain")
    assert "LOAD_UNUSED_MACRO" in out
    assert "warning" in out


def test_a_misspelt_code_gets_a_suggestion(run: Run) -> None:
    code, _, err = run("explain", "LOAD_ERR_VALIDAT")
    assert code == 2
    assert "did you mean 'LOAD_ERR_VALIDATE'?" in err


def test_fields_are_listed_by_a_part_of_their_name(run: Run) -> None:
    code, out, _ = run("fields", "proc.anam")
    assert code == 0
    assert out.splitlines()[1].startswith("proc.aname[NUMBER]?")


def test_fields_are_listed_by_pattern_and_source(run: Run) -> None:
    _, out, _ = run("fields", "ka.*", "--source", "k8s_audit", "--json")
    found = orjson.loads(out)
    assert {field["name"].split(".")[0] for field in found} == {"ka"}
    assert {source for field in found for source in field["sources"]} == {"k8s_audit"}


def test_no_field_that_fits_is_reported_by_the_exit_code(run: Run) -> None:
    assert run("fields", "nothing.like.it") == (1, "", "mozu: no field fits\n")


def test_a_misspelt_field_is_answered_with_the_similar_one_of_the_source(run: Run) -> None:
    assert run("fields", "proc.nme") == (1, "", "mozu: no field fits; did you mean `proc.name`?\n")
    assert run("fields", "ka.vreb", "--source", "k8s_audit")[2] == "mozu: no field fits; did you mean `ka.verb`?\n"
    assert run("fields", "proc.nme", "--source", "k8s_audit")[2] == "mozu: no field fits\n"


IMPAIRED = """
- rule: Image
  desc: It reads what only an enricher knows.
  condition: evt.type = execve and container.image.repository = x and container.label.app = y
  output: "%proc.name"
  priority: NOTICE
- rule: Name
  desc: It reads what every event has.
  condition: evt.type = execve and proc.name = x
  output: "%proc.name"
  priority: NOTICE
"""


def test_the_list_says_which_rules_are_impaired_and_what_to_enable(run: Run, rules: Path) -> None:
    rules.write_text(IMPAIRED)
    code, out, _ = run("rules", "list", "-r", rules, "-o", "enrichers=[users]")
    assert code == 0
    assert "Image (impaired)" in out
    assert "Name (impaired)" not in out
    assert "fills container.image.repository, container.label, which" in " ".join(out.split())
    assert "(Image): add containers to `enrichers`" in " ".join(out.split())


def test_a_program_reads_which_fields_of_a_rule_are_not_filled(run: Run, rules: Path) -> None:
    rules.write_text(IMPAIRED)
    _, out, _ = run("rules", "list", "-r", rules, "-o", "enrichers=[users]", "--json")
    image, name = orjson.loads(out)
    expected = {
        "fields": ["container.image.repository", "container.label"], "remedies": ["add containers to `enrichers`"],
    }  # fmt: skip
    assert (expected, False) == (image["impaired"], "impaired" in name)


NAMED_AND_AUDITED = """
- rule: Pool
  desc: It compares with the name of a host.
  condition: evt.type = connect and fd.sip.name = pool.example
  output: "%fd.name"
  priority: NOTICE
- rule: Created
  desc: It reads an audit log.
  condition: ka.verb = create
  output: "%ka.uri"
  priority: NOTICE
  source: k8s_audit
"""


def test_rules_that_nothing_feeds_are_listed_and_reported_by_check(run: Run, rules: Path) -> None:
    rules.write_text(NAMED_AND_AUDITED)
    settings = ("-o", f"evaluators.falco.rules=[{rules}]", "-o", "resolve.enabled=false")
    _, out, _ = run("rules", "list", *settings)
    assert [line.partition("  ")[0] for line in out.splitlines()[1:3]] == ["Pool (impaired)", "Created (no source)"]
    _, out, _ = run("rules", "list", *settings, "--json")
    assert [(rule["runs"], rule.get("idle", "")) for rule in orjson.loads(out)] == [
        (True, ""),
        (False, "no source of the configuration brings events of `k8s_audit`"),
    ]
    code, _, err = run("check", "--for-another-machine", *settings)
    assert code == 0
    assert "no source of the configuration brings events of `k8s_audit`: rules on them never match" in err
    assert "`resolve.enabled: false` leaves empty fd.sip.name, which a rule reads (Pool)" in err


def test_no_rule_is_impaired_by_the_default_configuration(run: Run, rules: Path) -> None:
    rules.write_text(IMPAIRED)
    assert "impaired" not in run("rules", "list", "-r", rules)[1]


PACKS = """
- rule: At low
  desc: D.
  condition: evt.type = open
  output: "%fd.name"
  priority: NOTICE
  tags: [pack_host, level_low]
- rule: At paranoid
  desc: D.
  condition: evt.type = open
  output: "%fd.name"
  priority: NOTICE
  tags: [pack_host, level_paranoid]
- rule: Of evasion
  desc: D.
  condition: evt.type = open
  output: "%fd.name"
  priority: NOTICE
  tags: [pack_evasion, level_low]
"""


def test_rules_of_other_packs_and_levels_are_listed_as_not_running(run: Run, rules: Path) -> None:
    rules.write_text(PACKS)
    settings = ("-o", f"evaluators.falco.rules=[{rules}]", "-o", "evaluators.falco.packs=[host]")
    _, out, _ = run("rules", "list", *settings)
    assert [line.partition("  ")[0] for line in out.splitlines()[1:]] == [
        "At low",
        "At paranoid (other pack or level)",
        "Of evasion (other pack or level)",
    ]
    selection = 'evaluators.falco.selection=[{"enable": {"rule": "At paranoid"}}]'
    _, out, _ = run("rules", "list", *settings, "-o", selection)
    assert [line.partition("  ")[0] for line in out.splitlines()[1:]] == [
        "At low",
        "At paranoid",
        "Of evasion (other pack or level)",
    ]


def test_the_rules_of_two_evaluators_are_shown_as_each_has_them(run: Run, rules: Path, tmp_path: Path) -> None:
    other, path = tmp_path / "other.yaml", tmp_path / "mozu.yaml"
    other.write_text(RULES.replace("Shell at work", "Shell elsewhere").replace("proc.name = bash", "static.zone = eu"))
    second = f"falco: {{id: second, rules: ['{other}'], static_fields: {{zone: eu}}}}"
    path.write_text(f"enrichers: []\nevaluators: [falco: {{rules: ['{rules}']}}, {second}]\n")
    code, out, err = run("check", "-c", path)
    notes = (f"mozu: note: evaluator {name}: {left_out([rules])}" for name in ("falco", "second"))
    assert (code, err.splitlines()) == (0, [*notes])
    assert out.splitlines()[1:] == [f"{rules}: Ok", f"{other}: Ok", "4 rules, 2 macros, 2 lists"]
    _, out, _ = run("rules", "show", "Shell elsewhere", "-c", path)
    assert out.splitlines()[0] == f"rule Shell elsewhere  ({other}:12)"
    _, out, _ = run("rules", "explain", "Shell elsewhere", "-c", path)
    assert "static.zone" in out


STOCK = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")


@pytest.mark.corpus
@pytest.mark.parametrize("enrichers", ["users, docker", "users, containerd, cri", "users, podman", "users, containers"])
def test_no_rule_of_falco_s_is_impaired_whatever_runtime_a_host_has(run: Run, enrichers: str) -> None:
    rules = [argument for name in STOCK for argument in ("-r", corpus("falco-rules", name))]
    settings = ("-o", f"enrichers=[{enrichers}]", "-o", 'evaluators.falco.selection=[{enable: {rule: "*"}}]')
    code, out, _ = run("rules", "list", *rules, *settings, "--json")
    listed = orjson.loads(out)
    assert (code, len(listed), []) == (0, 93, [rule["name"] for rule in listed if "impaired" in rule])


@pytest.mark.corpus
def test_without_an_enricher_of_containers_rules_of_falco_s_are_impaired(run: Run) -> None:
    rules = [argument for name in STOCK for argument in ("-r", corpus("falco-rules", name))]
    _, out, _ = run("rules", "list", *rules, "-o", "enrichers=[users]", "--json")
    assert len([rule for rule in orjson.loads(out) if "impaired" in rule]) > 10


def test_families_that_are_installed_are_listed_with_those_in_use(run: Run, tmp_path: Path) -> None:
    packs = Path(__file__).parents[3] / "plugins/rules/packs"
    enabled = tmp_path / "rules.enabled"
    enabled.mkdir()
    for name in ("00-words.yaml", "42-reads.yaml"):
        (enabled / name).symlink_to(packs / name)

    code, out, _ = run("rules", "list", "--available", "-r", str(enabled), "--json")
    _, text, _ = run("rules", "list", "--available", "-r", str(enabled))
    rows = {one["family"]: one for one in orjson.loads(out)}

    assert 0 == code
    assert {"00-words.yaml", "42-reads.yaml"} == {name for name, one in rows.items() if one["used"]}
    assert {path.name for path in packs.glob("*.yaml") if not path.name.endswith("_test.yaml")} == set(rows)
    assert 0 < rows["42-reads.yaml"]["rules"] == (packs / "42-reads.yaml").read_text().count("\n- rule:")
    assert "05-escapes.yaml" in text
    assert "switch one on" in text


def test_the_default_configuration_uses_every_family(run: Run) -> None:
    _, out, _ = run("rules", "list", "--available", "--json", "-o", "evaluators=[falco]")

    assert all(one["used"] for one in orjson.loads(out))
