from typing import Any

import pytest

from mozu.core.runtime.config.mark import Problems
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.reader import parse


def value(text: str, **environment: str) -> Any:
    problems = Problems()
    node = parse(text, "f", problems, environment)
    assert problems.lines() == []
    return None if node is None else node.plain()


def faults(text: str, **environment: str) -> list[str]:
    problems = Problems()
    parse(text, "f", problems, environment)
    return list(problems.lines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("~", None),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("on", "on"),
        ("no", "no"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, expected: object) -> None:
    found = value(f"a: {text}")["a"]
    assert (found, type(found)) == (expected, type(expected))


def test_every_value_and_key_has_its_place() -> None:
    problems = Problems()
    node = parse("a:\n  - x\n  - {b: 1}\n", "f", problems)
    assert node is not None
    deep = node.follow(("a", 1, "b"))[0]
    assert (deep.mark.line, deep.mark.column) == (3, 9)
    inner = node.follow(("a", 1))[0]
    assert (inner.keys["b"].line, inner.keys["b"].column) == (3, 6)


def test_following_a_path_passes_over_steps_that_nothing_answers_to() -> None:
    problems = Problems()
    node = parse("a: [x]\n", "f", problems)
    assert isinstance(node, YamlNode)
    found, taken = node.follow(("a", "list[str]", 0, "str"))
    assert (found.value, taken) == ("x", ("a", 0))


def test_a_key_given_twice_is_reported_with_the_line_of_the_first() -> None:
    assert faults("a: 1\nb: 2\na: 3\n") == ["f:3:1: 'a' is already given in line 1; keep one of the two"]


def test_a_tab_is_reported_as_such() -> None:
    assert faults("a:\n\tb: 1\n") == ["f:2:1: not valid YAML: a tab cannot indent YAML; use spaces"]


def test_a_syntax_error_has_its_place() -> None:
    found = faults("a: [1, 2\nb: 3\n")
    assert len(found) == 1
    assert found[0].startswith("f:2:2: not valid YAML: ")


def test_a_second_document_is_refused() -> None:
    assert faults("a: 1\n---\nb: 2\n") == [
        "f:2:1: not valid YAML: a second document begins here; configuration is one document"
    ]


def test_a_control_character_is_refused_with_its_place() -> None:
    assert faults("a: 1\nb: x\x01\n") == ["f:2:5: the character U+0001 is not allowed in YAML"]


@pytest.mark.parametrize("text", ["a: !!python/name:os.system x", "a: !thing {b: 1}", "a: !!set {x}"])
def test_tags_that_make_objects_are_refused(text: str) -> None:
    found = faults(text)
    assert len(found) == 1
    assert "has no meaning here; remove it" in found[0]


def test_a_tag_that_its_scalar_does_not_fit_is_refused() -> None:
    assert faults("a: !!int x") == ["f:1:4: 'x' is not what its tag !!int says"]


def test_a_key_that_is_a_list_is_refused() -> None:
    assert faults("? [a, b]\n: 1\n") == ["f:1:3: a key must be a word, not a list or a mapping"]


def test_deep_nesting_ends_in_an_error() -> None:
    assert "nested" in faults("a: " + "[" * 60 + "]" * 60)[0]
    assert "nested" in faults("[" * 50_000)[0]


def test_an_alias_that_contains_itself_ends_in_an_error() -> None:
    assert any("nested" in fault for fault in faults("a: &x [*x]\n"))


def test_aliases_that_multiply_end_in_an_error() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = faults("\n".join(lines))
    assert len(found) == 1
    assert "more than 100000 values" in found[0]


def test_a_huge_file_is_refused() -> None:
    assert faults("#" * (1 << 20) + "\n\n") == ["f:1:1: larger than 1 MiB; this is no configuration of mozu"]


def test_variables_of_the_environment_are_put_in() -> None:
    assert value("a: ${X}/${Y:-z}", X="1") == {"a": "1/z"}


def test_what_a_variable_gives_is_text() -> None:
    assert value("a: ${X}", X="12") == {"a": "12"}


def test_the_default_stands_for_a_variable_that_is_empty() -> None:
    assert value("a: ${X:-d}", X="") == {"a": "d"}


def test_a_default_may_be_empty() -> None:
    assert value("a: '${X:-}'") == {"a": ""}


def test_two_dollars_keep_the_reference() -> None:
    assert value("a: $${X} $X", X="1") == {"a": "${X} $X"}


def test_variables_do_not_make_structure() -> None:
    assert value("a: ${X}", X="[1, 2]\nb: 3") == {"a": "[1, 2]\nb: 3"}


def test_keys_are_left_alone() -> None:
    assert value("${X}: 1") == {"${X}": 1}


def test_a_variable_without_value_and_default_is_a_mistake() -> None:
    assert faults("a:\n  b: x${NONE}\n") == [
        "f:2:6: the environment variable NONE is not set; set it, or write ${NONE:-default}"
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${X", "${1}", "${X:y}"])
def test_a_malformed_reference_is_a_mistake(text: str) -> None:
    found = faults(f"a: '{text}'", X="1")
    assert len(found) == 1
    assert "is no reference to a variable" in found[0]
