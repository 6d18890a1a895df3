import random
from collections.abc import Callable

from mozu.core.language.conditions.generate.index import AUTOMATON_FROM, MAX_REMEMBERED, Atom, look_up

TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, text: value == text,
    "startswith": lambda value, text: value.startswith(text),
    "endswith": lambda value, text: value.endswith(text),
    "contains": lambda value, text: text in value,
}


def test_every_rule_whose_text_fits_is_found_and_no_other() -> None:
    chance = random.Random(3)

    def word(most: int) -> str:
        return "".join(chance.choice("ab/é") for _ in range(chance.randint(0, most)))

    atoms = [Atom(chance.choice(list(TESTS)), word(5), rule) for rule in range(6 * AUTOMATON_FROM)]
    find = look_up(atoms)
    values = [word(9) for _ in range(2 * MAX_REMEMBERED)]

    expected = [sorted({atom.rule for atom in atoms if TESTS[atom.op](value, atom.value)}) for value in values]

    assert expected == [sorted(find(value) or ()) for value in values]
    assert expected == [sorted(find(value) or ()) for value in values]


def test_a_text_that_a_rule_lists_twice_finds_it_once() -> None:
    find = look_up([Atom("=", "a", 1), Atom("=", "a", 1)])

    assert (1,) == find("a")


def test_a_missing_value_finds_nothing() -> None:
    equal = look_up([Atom("=", "a", 1)])
    prefix = look_up([Atom("startswith", "", 1)])

    assert [(), ()] == [equal(None) or (), prefix(None)]


def test_memory_is_bounded() -> None:
    find = look_up([Atom("startswith", "a", 1)])
    for number in range(3 * MAX_REMEMBERED):
        find(f"a{number}")

    assert len(find.__self__) <= MAX_REMEMBERED + 1  # type: ignore[attr-defined]
