"""Files of `mistakes/`: a rule with one mistake each, with the expected finding and the text of its line.

The mistakes were written before the checks, as an engineer new to rules makes them.
"""

import re
from pathlib import Path

import pytest

from mozu.core.language.rules import Code, RuleProblem, load, plugin_fields, review
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.support.requirements import corpus

ROOT = Path(__file__).parents[5]
FIELDS = FieldRegistry((*builtin_fields(), *plugin_fields()))
MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
MISSED = {"flag_without_prefix", "list_name_misspelt_as_text", "technique_of_another_tactic"}
"""Mistakes that are not found: `CREATE` is a part of O_F_CREATED, a word may be a name of a program, and no table says
which techniques a tactic has."""


def found(*files: Path, strict: bool = True, first: bool = True) -> list[RuleProblem]:
    loaded = load(files, FIELDS)
    loaded.report.extend(review(loaded.rules, FIELDS, strict=strict, first=first))
    return list(loaded.report.problems())


def is_found(file: Path) -> bool:
    text = file.read_text()
    codes, place = (re.search(rf"^# {key}: (.*)", text, re.MULTILINE) for key in ("expected", "at"))
    assert codes is not None
    assert place is not None
    lines = text.splitlines()
    return any(one.code.value in codes[1].split(" or ") and place[1] in lines[one.place[0] - 1] for one in found(file))


def test_at_least_95_percent_of_the_mistakes_are_found_where_they_are() -> None:
    missed = {file.stem for file in MISTAKES if not is_found(file)}

    assert (True, MISSED) == (len(MISTAKES) >= 120 and len(MISSED) <= len(MISTAKES) * 0.05, missed)


def test_at_least_85_percent_of_a_second_set_of_mistakes_are_found(tmp_path: Path) -> None:
    """Conditions written after the checks, of which 51 were found before any check was added for them. A line has the
    expected code and the condition."""
    lines = (Path(__file__).parent / "second_set.txt").read_text().splitlines()
    file = tmp_path / "r.yaml"
    rule = "- rule: r\n  desc: d\n  output: '%proc.name'\n  priority: INFO\n  condition: >\n    "
    missed = []
    for line in lines:
        code, condition = line.split(maxsplit=1)
        file.write_text(f"{rule}{condition}\n")
        if code not in {one.code.value for one in found(file, strict=False)}:
            missed.append(condition)

    assert (60, SECOND_MISSED) == (len(lines), missed)
    assert len(missed) <= len(lines) * 0.15


SECOND_MISSED = [
    'evt.type = execve and proc.name in (kubectl, "docker compose")',  # a name may have a blank
    "evt.type in (open, openat) and evt.arg.flags contains CREATE and fd.name startswith /tmp",  # of O_F_CREATED
    "evt.type = execve and container.id = nginx-deployment",  # some runtimes have such ids
    "evt.type = unlinkat and fd.name startswith /var/log",  # the name of the directory's descriptor
]


def test_advice_is_for_strict_checks_only() -> None:
    files = [one for one in MISTAKES if "EVADABLE" in one.read_text()]

    assert (True, []) == (bool(files), [p for one in files for p in found(one, strict=False) if p.code.is_advice])


def shown(problems: list[RuleProblem]) -> list[str]:
    """Return `kind name: code` for each finding, by the element of the file in which the finding lies."""
    return [f"{element(one)}: {one.code.value}" for one in problems if "LINT_" in one.code.value]


def element(problem: RuleProblem) -> str:
    lines = problem.context.source.text.splitlines()[: problem.place[0]]
    return next(line[2:] for line in reversed(lines) if re.match(r"- (rule|macro|list): ", line))


def test_what_is_found_in_the_shipped_rules_is_known() -> None:
    packs = [one for one in (ROOT / "plugins" / "rules").glob("**/*.yaml") if not one.name.endswith("_test.yaml")]
    folders = [sorted(one for one in packs if one.parent.name == name) for name in ("packs", "packs_trace")]

    problems = [text for one in folders for text in shown(found(*one, strict=False, first=False))]

    assert [
        "rule: Capability set on a file: LINT_ABSENT_FIELD",  # prints a descriptor for events of another alternative
        "list: fetchers: LINT_IMPOSSIBLE_VALUE",  # names of 16 bytes and more beside names that are kept
        "list: secret_users: LINT_IMPOSSIBLE_VALUE",
    ] == problems


FALCO = [
    "list: read_sensitive_file_binaries: LINT_IMPOSSIBLE_VALUE",  # proc.name in (…, /usr/sbin/spamd)
    "rule: Remove Bulk Data from Disk: LINT_ABSENT_FIELD",  # an exec prints %fd.name
    "rule: Execution from /dev/shm: LINT_ABSENT_FIELD",
    "rule: Network Connection outside Local Subnet: LINT_EMPTY_LIST",  # namespace_scope_network_only_subnet
    "macro: spawned_process: LINT_NEVER_TRUE",  # allowed_containers excludes every container by default
    "list: openscap_rpm_binaries: LINT_IMPOSSIBLE_VALUE",  # probe_rpmverifyfile, 19 bytes
    "list: openscap_rpm_binaries: LINT_IMPOSSIBLE_VALUE",
    "list: allowed_inbound_source_networks: LINT_NETWORK",  # 127.0.0.1/8
    "macro: ms_oms_writing_conf: LINT_PATTERN",  # proc.name in (in_heartbeat_r*)
    "macro: azure_scripts_writing_conf: LINT_NEVER_TRUE",  # proc.pname startswith "bash /var/lib/waagent/"
    "macro: azure_scripts_writing_conf: LINT_IMPOSSIBLE_VALUE",
    "macro: etckeeper: LINT_IMPOSSIBLE_VALUE",  # 30store-metadata, 16 bytes
    "macro: runc_writing_var_lib_docker: LINT_ABSENT_FIELD",  # an openat has no parameter `filename`
    "rule: Container Drift Detected (chmod): LINT_ABSENT_FIELD",  # a chmod prints %evt.arg.name
    "rule: Container Drift Detected (open+create): LINT_ABSENT_FIELD",
    # evt.res is EPERM, not -1
    "rule: Unprivileged Delegation of Page Faults Handling to a Userspace Process: LINT_IMPOSSIBLE_VALUE",
]
"""Findings in Falco's rules, each looked at and true."""


@pytest.mark.corpus
def test_every_finding_in_the_rules_of_falco_is_known_to_be_true() -> None:
    folder = corpus("falco-rules")
    problems = found(*(folder / f"falco{name}_rules.yaml" for name in ("", "-incubating", "-sandbox")), strict=False)
    hidden = [one.message.partition(" never ")[0] for one in problems if one.code is Code.LINT_HIDDEN_RULE]
    others = [one for one in problems if one.code is not Code.LINT_HIDDEN_RULE]

    assert (FALCO, ["the rule `Network Tool Executed During NPM Package Install`"]) == (shown(others), hidden)
    assert [] == shown(found(folder / "k8s_audit_rules.yaml", strict=False))


def test_a_rule_that_an_earlier_one_hides_is_not_reported_where_every_match_counts() -> None:
    loaded = load([next(one for one in MISTAKES if one.stem == "hidden_by_wider")], FIELDS)

    counts = [len(list(review(loaded.rules, FIELDS, first=first))) for first in (True, False)]

    assert [1, 0] == counts


@pytest.mark.parametrize("at", [0, 1])
def test_rules_in_shadow_mode_neither_hide_rules_nor_are_hidden(tmp_path: Path, at: int) -> None:
    """Matches of such a rule are counted whatever the others do, and raise no alert."""
    text = next(one for one in MISTAKES if one.stem == "hidden_by_wider").read_text()
    parts = re.split(r"(?m)^(?=- rule)", text)
    parts[at + 1] += "  mozu: {shadow: true}\n"
    (tmp_path / "r.yaml").write_text("".join(parts))
    loaded = load([tmp_path / "r.yaml"], FIELDS)

    assert [] == list(review(loaded.rules, FIELDS))
