"""The answers to an editor's questions about rule files."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mozu.core.api.rule_workspace import (
    Completion,
    CompletionKind,
    FindingKind,
    Position,
    RenameRefused,
    RuleFinding,
    RuleWorkspace,
    Span,
)
from mozu.core.language.conditions import unparse
from mozu.core.language.rules import SourceFile, load, plugin_fields, review
from mozu.core.language.workspace import Workspace
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields

RULES = """- list: shells
  items: [bash, zsh]

- macro: spawned
  condition: evt.type = execve

- rule: A shell
  desc: of a test
  condition: spawned and proc.name in (shells) and fd.name = /bin/bash
  output: "a shell %proc.name"
  priority: NOTICE
  tags: [T1059]
  mozu:
    exceptions: [backup]

- exception: backup
  fields: proc.pname
  values: [shells]
"""


@pytest.fixture(scope="module")
def fields() -> FieldRegistry:
    return FieldRegistry((*builtin_fields(), *plugin_fields()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(RULES)
    return tmp_path


def asked(workspace: RuleWorkspace, file: Path, text: str) -> Sequence[Completion]:
    """Return the completions at the `|` of a text."""
    before = text[: text.index("|")]
    workspace.put(str(file), text.replace("|", "", 1))
    return workspace.completions(str(file), Position(before.count("\n"), len(before) - before.rfind("\n") - 1))


def hovered(workspace: RuleWorkspace, file: Path, text: str) -> str:
    before = text[: text.index("|")]
    workspace.put(str(file), text.replace("|", "", 1))
    found = workspace.hover(str(file), Position(before.count("\n"), len(before) - before.rfind("\n") - 1))
    return "" if found is None else found.text


def last(found: Iterator[object]) -> dict[str, list[RuleFinding]]:
    *_, result = found
    assert isinstance(result, dict)
    return result


def test_findings_are_those_of_the_check(folder: Path, fields: FieldRegistry) -> None:
    file = folder / "a.yaml"
    wrong = RULES.replace("NOTICE", "NOTED").replace("fd.name", "proc.exepath")
    file.write_text(wrong)
    checked = load([file], fields)
    checked.report.extend(review(checked.rules, fields))
    problems = list(checked.report.problems())

    found = last(Workspace(fields).findings(str(file)))[str(file)]

    assert [(one.code.value, one.place) for one in problems] == [
        (one.code, (one.span.start.line + 1, one.span.start.column + 1)) for one in found
    ]
    assert [FindingKind.ERROR, FindingKind.WARNING][: len(found)] == [one.kind for one in found][:2]


def test_findings_of_a_second_text_are_those_of_a_fresh_load(folder: Path, fields: FieldRegistry) -> None:
    file, workspace = str(folder / "a.yaml"), Workspace(fields)
    for text in (RULES, RULES.replace("shells)", "shels)"), "\n" + RULES, RULES.replace("- list: shells", "- list: x")):
        fresh = Workspace(fields)
        for one in (workspace, fresh):
            one.put(file, text)
        assert last(fresh.findings(file)) == last(workspace.findings(file))


def test_findings_stop_if_a_text_changes(folder: Path, fields: FieldRegistry) -> None:
    file, workspace = str(folder / "a.yaml"), Workspace(fields)
    found = workspace.findings(file)
    next(found)

    workspace.put(file, RULES)

    assert [] == list(found)


def test_a_file_that_holds_no_rules_has_no_findings(folder: Path, fields: FieldRegistry) -> None:
    workspace = Workspace(fields)
    workspace.put(str(folder / "mozu.yaml"), "sinks: [stdout]\n")

    assert [] == list(workspace.findings(str(folder / "mozu.yaml")))


def test_files_of_a_directory_load_together(folder: Path, fields: FieldRegistry) -> None:
    other = folder / "b.yaml"
    other.write_text("- rule: A shell\n  enabled: false\n  override: {enabled: replace}\n")
    (folder / "mozu.yaml").write_text("sinks: [stdout]\n")

    found = last(Workspace(fields).findings(str(other)))

    assert {str(folder / "a.yaml"), str(other)} == found.keys()
    assert [] == found[str(other)]


def test_given_files_load_before_the_one_that_is_edited(tmp_path: Path, folder: Path, fields: FieldRegistry) -> None:
    mine = tmp_path / "below" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text("- rule: A shell\n  enabled: false\n  override: {enabled: replace}\n")

    assert [] != last(Workspace(fields).findings(str(mine)))[str(mine)]
    assert [] == last(Workspace(fields, [str(folder / "a.yaml")]).findings(str(mine)))[str(mine)]


@pytest.mark.parametrize(
    ("text", "kind", "labels"),
    [
        ("- rule: x\n  condition: proc.na|", CompletionKind.FIELD, {"proc.name"}),
        ("- rule: x\n  condition: spaw|", CompletionKind.MACRO, {"spawned"}),
        ("- rule: x\n  condition: proc.name |", CompletionKind.OPERATOR, {"in", "=", "glob"}),
        ("- rule: x\n  condition: evt.type in (|", CompletionKind.VALUE, {"openat", "execve"}),
        ("- rule: x\n  condition: fd.type = |", CompletionKind.VALUE, {"ipv4", "file"}),
        ("- rule: x\n  condition: evt.failed = |", CompletionKind.VALUE, {"true", "false"}),
        ("- rule: x\n  condition: proc.name in (|", CompletionKind.LIST, {"shells"}),
        ("- rule: x\n  condition: spawned |", CompletionKind.KEYWORD, {"and", "or"}),
        ("- rule: x\n  condition: to|", CompletionKind.TRANSFORMER, {"tolower"}),
        ("- rule: x\n  output: a %proc.pn|", CompletionKind.FIELD, {"proc.pname"}),
        ("- rule: x\n  priority: |", CompletionKind.VALUE, {"Critical", "Debug"}),
        ("- rule: x\n  |", CompletionKind.KEY, {"condition", "output", "desc", "priority"}),
        ("- rule: x\n  override:\n    |", CompletionKind.KEY, {"condition", "exceptions"}),
        ("- rule: x\n  override:\n    tags: |", CompletionKind.VALUE, {"append", "replace"}),
        ("- rule: x\n  exceptions:\n  - name: e\n    comps: [|", CompletionKind.OPERATOR, {"startswith"}),
        ("- rule: x\n  exceptions:\n  - name: e\n    fields: [proc.n|", CompletionKind.FIELD, {"proc.name"}),
        ("- rule: x\n  tags: [mit|", CompletionKind.VALUE, {"mitre_execution"}),
        ("- rule: x\n  source: |", CompletionKind.VALUE, {"syscall", "k8s_audit"}),
        ("- rule: |", CompletionKind.RULE, {"A shell"}),
        ("- rule: x\n  mozu:\n    exceptions: [|", CompletionKind.EXCEPTION, {"backup"}),
        ("- rule: x\n  mozu:\n    exceptions:\n      - |", CompletionKind.EXCEPTION, {"backup"}),
        ("- exception: x\n  |", CompletionKind.KEY, {"fields", "comps", "values", "mozu"}),
        ("- exception: x\n  fields: [proc.n|", CompletionKind.FIELD, {"proc.name"}),
        ("|", CompletionKind.KEY, {"rule", "macro", "list", "exception"}),
    ],
)
def test_completion(folder: Path, fields: FieldRegistry, text: str, kind: CompletionKind, labels: set[str]) -> None:
    found = asked(Workspace(fields), folder / "b.yaml", text)

    assert labels <= {one.label for one in found if one.kind is kind}


def test_keys_that_a_rule_requires_come_first(folder: Path, fields: FieldRegistry) -> None:
    found = asked(Workspace(fields), folder / "b.yaml", "- rule: x\n  desc: y\n  |")

    assert [("condition", "required"), ("output", "required"), ("priority", "required")] == [
        (one.label, one.detail) for one in found[:3]
    ]
    assert "desc" not in {one.label for one in found}


def test_an_argument_has_the_values_of_the_rules_event_types(folder: Path, fields: FieldRegistry) -> None:
    workspace, file = Workspace(fields), folder / "b.yaml"
    text = RULES.replace("A shell", "Opens").replace("- macro: spawned\n  condition: evt.type = execve\n", "").replace(
        "spawned and", "evt.type = openat and"
    )  # fmt: skip
    workspace.put(str(file), text)
    list(workspace.findings(str(file)))

    found = asked(workspace, file, text.replace("fd.name = /bin/bash", "evt.arg.flags contains |"))

    assert "O_CREAT" in {one.label for one in found}


def test_a_completion_replaces_the_word_before_the_place(folder: Path, fields: FieldRegistry) -> None:
    found = asked(Workspace(fields), folder / "b.yaml", "- rule: x\n  condition: not proc.na|")
    (name,) = [one for one in found if one.label == "proc.name"]

    assert (Position(1, 17), Position(1, 24)) == (name.span.start, name.span.end)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("- rule: x\n  condition: proc.n|ame = a", ["proc.name", "string", "name", "events of syscall"]),
        ("- rule: x\n  condition: container.na|me = a", ["has a value if an enricher fills it"]),
        ("- rule: x\n  condition: spaw|ned", ["evt.type = execve", "a.yaml:4"]),
        ("- rule: x\n  condition: proc.name in (sh|ells)", ["items: [bash, zsh]"]),
        ("- rule: x\n  condition: proc.name pm|atch (a)", ["below"]),
        ("- rule: x\n  condition: evt.type = ope|nat", ["event type", "`flags`"]),
        ("- rule: x\n  output: a %proc.p|name", ["proc.pname"]),
        ("- rule: x\n  tags: [T10|59]", ["T1059", "ATT&CK"]),
        ("- rule: x\n  mozu:\n    exceptions: [bac|kup]", ["fields: proc.pname", "a.yaml:16"]),
        ("- rule: x\n  cond|ition: a", ["What must hold of an event."]),
    ],
)
def test_hover(folder: Path, fields: FieldRegistry, text: str, parts: list[str]) -> None:
    found = hovered(Workspace(fields), folder / "b.yaml", text)

    assert [part for part in parts if part not in found] == []


def test_a_field_says_which_event_types_of_the_rule_have_it(folder: Path, fields: FieldRegistry) -> None:
    workspace, file = Workspace(fields), folder / "a.yaml"
    list(workspace.findings(str(file)))

    assert "and never execve" in hovered(workspace, file, RULES.replace("fd.name", "fd.na|me"))


def test_no_state_of_a_file_that_is_typed_raises(folder: Path, fields: FieldRegistry) -> None:
    """The states are beginnings of the file, and the file with a part cut out."""
    dice, workspace, file = random.Random(45), Workspace(fields), str(folder / "a.yaml")
    for _ in range(500):
        start = dice.randrange(len(RULES))
        rest = "" if dice.random() < 0.5 else RULES[start + dice.randrange(40) :]
        text = RULES[:start] + rest
        workspace.put(file, text)
        here = Position(text.count("\n", 0, start), start - text.rfind("\n", 0, start) - 1)
        workspace.completions(file, here)
        workspace.hover(file, here)
        workspace.references(file, here)
        for _ in workspace.findings(file):
            pass
    workspace.put(file, None)

    assert {one.label for one in workspace.completions(file, Position(8, 13))} >= {"spawned", "proc.name"}


OTHER = """- rule: Another shell
  desc: of a test
  condition: spawned and not proc.pname in shells
  output: "a shell %proc.name"
  priority: NOTICE
  exceptions:
    - name: known
      fields: [proc.aname]
      comps: [in]
      values:
        - [[shells, "spawned"]]

- list: all_shells
  items: [shells, "fish"]

- macro: spawned
  condition: or evt.type = execveat
  override: {condition: append}

- rule: A shell
  mozu:
    exceptions:
      - backup
  override: {mozu: append}
- exception: backup
  values: [fish]
  override: {values: append}
"""


def position(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1)


def words_at(spans: Sequence[Span]) -> list[tuple[str, int, str]]:
    """Return file, line from 1, and text of places."""
    found = []
    for span in spans:
        lines = Path(span.file).read_text().split("\n")
        assert span.start.line == span.end.line
        word = lines[span.start.line][span.start.column : span.end.column]
        found.append((Path(span.file).name, span.start.line + 1, word))
    return found


@pytest.mark.parametrize(
    ("word", "defined", "used"),
    [
        ("spawned and proc", [("a.yaml", 4), ("b.yaml", 16)], [("a.yaml", 9), ("b.yaml", 3)]),
        ("spawned\n", [("a.yaml", 4), ("b.yaml", 16)], [("a.yaml", 9), ("b.yaml", 3)]),
        ("shells)", [("a.yaml", 1)], [("a.yaml", 9), ("a.yaml", 18), ("b.yaml", 3), ("b.yaml", 11), ("b.yaml", 14)]),
        ("backup]", [("a.yaml", 16), ("b.yaml", 25)], [("a.yaml", 14), ("b.yaml", 23)]),
    ],
)
def test_definitions_and_references(
    folder: Path, fields: FieldRegistry, word: str, defined: list[tuple[str, int]], used: list[tuple[str, int]]
) -> None:
    (folder / "b.yaml").write_text(OTHER)
    workspace, file = Workspace(fields), str(folder / "a.yaml")
    here = position(RULES, RULES.index(word) + 2)
    name = word.split()[0].rstrip(")]")

    assert [(*one, name) for one in defined] == words_at(workspace.definitions(file, here))
    assert [(*one, name) for one in used] == words_at(workspace.references(file, here))


def test_a_definition_is_found_from_a_file_that_is_not_yaml(folder: Path, fields: FieldRegistry) -> None:
    workspace, file = Workspace(fields), str(folder / "b.yaml")
    text = "- rule: x\n  desc: [\n  condition: spawned and\n"
    workspace.put(file, text)

    found = workspace.definitions(file, position(text, text.index("spawned")))

    assert [("a.yaml", 4, "spawned")] == words_at(found)


@pytest.mark.parametrize(
    ("word", "new"), [("spawned and", "started"), ("shells)", "known-shells"), ("backup]", "backups")]
)
def test_a_new_name_changes_every_place_and_no_meaning(
    folder: Path, fields: FieldRegistry, word: str, new: str
) -> None:
    (folder / "b.yaml").write_text(OTHER)
    files = [folder / "a.yaml", folder / "b.yaml"]
    before = load(files, fields)
    workspace, old = Workspace(fields), word.split()[0].rstrip(")]")

    edits = workspace.rename(str(files[0]), position(RULES, RULES.index(word) + 2), new)

    for file in files:
        text = file.read_text()
        mine = [one for one in edits if one.span.file == str(file)]
        for one in sorted(mine, key=lambda one: one.span.start, reverse=True):
            source = SourceFile(str(file), text)
            start, end = (source.offset(place.line, place.column) for place in (one.span.start, one.span.end))
            assert text[start:end] == old
            text = text[:start] + one.text + text[end:]
        file.write_text(text)
    after = load(files, fields)
    assert [unparse(rule.checked.node) for rule in before.rules.rules] == [
        unparse(rule.checked.node) for rule in after.rules.rules
    ]
    rules = after.rules
    names = {one.name for items in (rules.macros, rules.lists, rules.exceptions) for one in items}
    assert (True, False) == (new in names, old in names)


@pytest.mark.parametrize(
    ("word", "new", "reason"),
    [
        ("spawned and", "a-b", "cannot be the name of a macro"),
        ("spawned and", "exists", "cannot be the name of a macro"),
        ("spawned and", "shells", "there is a list `shells` already"),
        ("shells)", "execve", "would no longer mean the same"),
        ("A shell", "A bash", "only macros, lists and shared exceptions"),
        ("of a test", "x", "no name of a macro, a list or a shared exception"),
    ],
)
def test_a_new_name_is_refused(folder: Path, fields: FieldRegistry, word: str, new: str, reason: str) -> None:
    with pytest.raises(RenameRefused, match=reason):
        Workspace(fields).rename(str(folder / "a.yaml"), position(RULES, RULES.index(word) + 1), new)


def test_no_new_name_while_a_file_is_not_yaml(folder: Path, fields: FieldRegistry) -> None:
    (folder / "b.yaml").write_text("- rule: [\n")

    with pytest.raises(RenameRefused, match=r"b\.yaml is not YAML"):
        Workspace(fields).rename(str(folder / "a.yaml"), position(RULES, RULES.index("spawned and") + 1), "started")


def test_names_in_mozus_own_files_stay(fields: FieldRegistry, tmp_path: Path) -> None:
    text = "- rule: x\n  desc: y\n  condition: open_read and fd.name = a\n  output: '%fd.name'\n  priority: NOTICE\n"
    file = tmp_path / "a.yaml"
    workspace = Workspace(fields, ["package:mozu/plugins/rules/packs"])
    found = asked(workspace, file, text.replace("open_read and fd.name = a", "opened|"))
    name = next(one.label for one in found if one.kind is CompletionKind.MACRO)
    file.write_text(text.replace("open_read", name))
    workspace.put(str(file), None)

    with pytest.raises(RenameRefused, match="not yours to change"):
        workspace.rename(str(file), Position(2, 15), "a_new_name")
