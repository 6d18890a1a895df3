"""Test files as text: refusals, with line, column and remedy."""

from pathlib import Path

import pytest

from mozu.core.rule_tests.reader import _IN_BRACES, read_tests

EVENT = "event: {evt.type: openat}"


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "a_test.yaml"
    file.write_text(text)
    return [str(one).removeprefix(f"{folder}/") for one in read_tests(file).problems]


MISTAKES = """
test: x
=> 1:1: a test file is a list of items; begin each with `- test: NAME`

- x
=> 1:3: an item is a mapping; begin it with `- test:`, `- given:` or `- rules:`

- tst: x
=> 1:3: an item has one of the keys `test`, `given` and `rules`

- test:
  quiet: a
=> 1:8: `test` takes a text

- test: a
  quiet: b
=> 1:3: the test `a` says nothing of what happens; give it one of event, events, scene, run, recording

- test: a
  quiet: b
  event: {evt.type: openat}
  run: ls
=> 1:3: the test `a` has `event` and `run`; give it one of event, events, scene, run, recording

- test: a
  event: {evt.type: openat}
=> 1:3: the test `a` expects nothing; name rules in `match` or in `quiet`

- test: a
  event: {evt.type: openat}
  mach: b
=> 3:3: the test `a` has no key `mach`; did you mean `match`?

- test: a
  event: {evt.type: openat}
  quiet: b
  quiet: c
=> 4:3: `quiet` is there twice; leave one of them out

- test: a
  event: {evt.type: openat}
  quiet: b
  output: c
=> 4:3: `output` is about one alert: name one rule in `match`

- test: a
  event: {evt.type: openat}
  match: [b, c]
  fields: {x: y}
=> 4:3: `fields` is about one alert: name one rule in `match`

- test: a
  run: ls
  match: {b: 0}
=> 3:14: how often a rule matches is a number from 1; name a rule that must not in `quiet`

- test: a
  event: x
  quiet: b
=> 2:10: `event` maps fields to values, such as {evt.type: openat, fd.name: /etc/shadow}

- test: a
  events: {a: b}
  quiet: b
=> 2:11: `events` is a list of events

- test: a
  event: {a: {b: c}}
  quiet: b
=> 2:14: the value of a is a text, a list of texts, or ~ for none

- test: a
  event: {a: b, a: c}
  quiet: b
=> 2:17: `a` is there twice; leave one of them out

- test: a
  run: sh -c 'x
  quiet: b
=> 2:8: `run` cannot be split into words: no closing quotation

- test: a
  event: {evt.type: openat}
  under: ebpf
  quiet: b
=> 3:3: `under` says what a command runs under, and there is no `run`

- test: a
  run: ls
  under: x
  quiet: b
=> 3:3: `under` is one of ptrace, ebpf, not `x`

- rules: []
=> 1:10: `rules` is empty; leave it out, or name something

- given: {a: b}
  x: y
=> 2:3: an item `given` has no key `x`; it may have given

- test: a
  event: {evt.type: openat, proc.aname[2]: x}
  quiet: b
=> 2:39: not YAML: did not find expected ',' or '}' while parsing a flow mapping; IN_BRACES

- test: "a
=> 2:1: not YAML: found unexpected end of stream while scanning a quoted scalar
"""


@pytest.mark.parametrize("case", MISTAKES.strip().split("\n\n"))
def test_a_mistake_is_reported_with_its_place(tmp_path: Path, case: str) -> None:
    text, problem = case.split("=> ")
    assert problems(tmp_path, text) == [f"a_test.yaml:{problem.strip().replace('IN_BRACES', _IN_BRACES)}"]


def test_every_mistake_is_reported_and_the_other_tests_stay(tmp_path: Path) -> None:
    file = tmp_path / "a_test.yaml"
    file.write_text(f"- x\n- test: a\n  {EVENT}\n  quiet: b\n- test: a\n  {EVENT}\n  quiet: b\n- test: c\n  {EVENT}\n")
    found = read_tests(file)
    assert [one.name for one in found.tests] == ["a"]
    assert [str(one).split(": ", 1)[1] for one in found.problems] == [
        "an item is a mapping; begin it with `- test:`, `- given:` or `- rules:`",
        "the test `a` is there already, in line 2; give it another name",
        "the test `c` expects nothing; name rules in `match` or in `quiet`",
    ]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = read_tests(tmp_path / "b_test.yaml")
    assert [str(one).removeprefix(f"{tmp_path}/") for one in found.problems] == [
        f"b_test.yaml:1:1: cannot read {tmp_path}/b_test.yaml: no such file or directory"
    ]


def test_what_is_given_for_all_tests_can_be_changed_by_each(tmp_path: Path) -> None:
    file = tmp_path / "a_test.yaml"
    file.write_text(
        "- given: {a: 1, b: 2}\n- given: {b: 3}\n"
        f"- test: a\n  given: {{c: 4}}\n  {EVENT}\n  quiet: b\n- test: b\n  given: {{a: ~}}\n  {EVENT}\n  quiet: b\n"
    )
    given = [{name: value.form for name, value in test.given.items()} for test in read_tests(file).tests]
    assert given == [{"a": "1", "b": "3", "c": "4"}, {"a": None, "b": "3"}]
