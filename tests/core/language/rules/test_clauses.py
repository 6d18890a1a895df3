"""A rule's condition as clauses: places in the files, and the names of macros, exceptions and lists."""

from mozu.core.language.conditions import NodeEvaluator
from mozu.core.language.rules import Clause, ExplainedClause, Rule, clauses, explained, macro_trees
from mozu.core.model.event import DataEvent
from tests.core.language.rules.small import loaded, registry

FIRST = """\
- list: shells
  items: [sh, bash]
- list: more_shells
  items: [shells, zsh]
- macro: shell
  condition: proc.name in (more_shells, ksh)
- macro: from_shell
  condition: >
    shell or
    proc.pname in (shells)
"""
SECOND = """\
- rule: Reads
  desc: d
  condition: >
    evt.type = open and
    from_shell
  output: o
  priority: INFO
  exceptions:
    - name: known
      fields: [proc.name, fd.name]
      comps: [=, startswith]
      values:
        - [bash, /tmp]
    - name: unused
      fields: fd.name
"""


def tree() -> tuple[Rule, Clause, dict[str, object]]:
    result = loaded(FIRST, SECOND)
    assert result.ok
    rule = result.rules.rule("Reads")
    assert rule is not None
    return rule, clauses(rule, result.rules), dict(macro_trees(result.rules))


def flat(root: Clause, depth: int = 0) -> list[tuple[int, Clause]]:
    return [(depth, root), *(pair for child in root.children for pair in flat(child, depth + 1))]


def at(text: str, **values: str) -> list[ExplainedClause]:
    rule, root, macros = tree()
    event = DataEvent("syscall", text, 0, 1, {name.replace("_", "."): value for name, value in values.items()})
    return explained(root, NodeEvaluator(registry(), rule.source, macros).at(event))  # type: ignore[arg-type]


def test_clauses_have_lists_and_macros_by_name() -> None:
    _, root, _ = tree()

    assert [(depth, one.text or one.kind) for depth, one in flat(root)] == [
        (0, "and"),
        (1, "and"),
        (2, "evt.type = open"),
        (2, "from_shell"),
        (3, "or"),
        (4, "shell"),
        (5, "proc.name in (more_shells, ksh)"),
        (4, "proc.pname in (shells)"),
        (1, "not"),
        (2, "and"),
        (3, "proc.name = bash"),
        (3, "fd.name startswith /tmp"),
    ]


def test_clauses_know_where_they_stand() -> None:
    _, root, _ = tree()
    places = {one.text: one.place for _, one in flat(root) if one.text}

    assert places == {
        "evt.type = open": ("2.yaml", 4, 5),
        "from_shell": ("2.yaml", 5, 5),
        "shell": ("1.yaml", 9, 5),
        "proc.name in (more_shells, ksh)": ("1.yaml", 6, 14),
        "proc.pname in (shells)": ("1.yaml", 10, 5),
        "proc.name = bash": ("2.yaml", 13, 11),
        "fd.name startswith /tmp": ("2.yaml", 13, 11),
    }


def test_clauses_of_an_exception_have_its_name() -> None:
    _, root, _ = tree()

    assert {one.text or one.kind: one.exception for _, one in flat(root) if one.exception} == {
        "not": "known",
        "and": "known",
        "proc.name = bash": "known",
        "fd.name startswith /tmp": "known",
    }


def test_clauses_of_a_macro_have_its_name_and_their_lists() -> None:
    _, root, _ = tree()

    assert [(one.macro, one.text, one.lists) for _, one in flat(root) if one.lists] == [
        ("shell", "proc.name in (more_shells, ksh)", ("more_shells",)),
        ("from_shell", "proc.pname in (shells)", ("shells",)),
    ]


def test_the_clause_that_decided_is_marked_in_the_tree() -> None:
    rows = at("open", proc_name="bash", fd_name="/tmp/x")

    assert not rows[0].truth
    assert [one.clause.text or one.clause.kind for one in rows if one.decides] == [
        "and",
        "not",
        "and",
        "proc.name = bash",
        "fd.name startswith /tmp",
    ]


def test_a_test_shows_what_it_read_and_what_it_held_for() -> None:
    rows = at("open", proc_name="zsh")
    (shell,) = (one for one in rows if one.clause.text == "proc.name in (more_shells, ksh)")

    assert (shell.truth, [value.value for value in shell.values], shell.holding) == (True, ["zsh"], ("zsh",))


def test_a_condition_that_was_appended_is_placed_where_it_was_appended() -> None:
    more = "- rule: Reads\n  condition: and proc.pid = 1\n  override: {condition: append}\n"
    result = loaded(FIRST, SECOND, more)
    rule = result.rules.rule("Reads")
    assert rule is not None
    (appended,) = (one for _, one in flat(clauses(rule, result.rules)) if one.text == "proc.pid = 1")

    assert appended.place == ("3.yaml", 2, 18)
