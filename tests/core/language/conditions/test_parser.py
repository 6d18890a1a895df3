import pytest

from mozu.core.language.conditions import And, ConditionError, Macro, Not, Test, Text, parse
from mozu.core.language.conditions.ast import Node, bottom_up


def depth(node: Node) -> int:
    return bottom_up(node, lambda _, inner: 1 + max(inner, default=0))


def refusal(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize("opening", ["(", "not (", "(a or ", "a and not(", "a and (b or "])
def test_a_thousand_levels_are_read_and_one_more_is_refused_where_it_begins(opening: str) -> None:
    parse(opening * 1000 + "a" + ")" * 1000)

    error = refusal(opening * 1001 + "a" + ")" * 1001)

    assert "too_deep" == error.reason
    assert 1000 * len(opening) + opening.index("(") == error.offset


def test_a_thousand_transformers_are_read_and_one_more_is_refused() -> None:
    parse("tolower(" * 1000 + "fd.name" + ")" * 1000 + " = x")

    assert "too_deep" == refusal("tolower(" * 1001 + "fd.name" + ")" * 1001 + " = x").reason


def test_a_hundred_thousand_levels_are_a_clean_error() -> None:
    assert "too_deep" == refusal("not (" * 100_000).reason


def test_long_chains_and_lists_have_no_depth() -> None:
    chain = parse(" and ".join(["a"] * 50_000))
    listed = parse(f"fd.name in ({','.join(['x'] * 200_000)})")

    assert isinstance(chain, And)
    assert (50_000, 2, 1) == (len(chain.children), depth(chain), depth(listed))


def test_a_million_negations_cancel() -> None:
    assert isinstance(parse("not " * 1_000_000 + "a"), Macro)


@pytest.mark.parametrize(
    "text", ["a.b = " + "'" + "\\'" * 500_000, "a.b in (" + "x," * 500_000, "(" * 999 + "x" * 1_000_000 + "-"]
)
def test_long_broken_texts_are_clean_errors(text: str) -> None:
    assert "syntax" == refusal(text).reason


def test_text_that_is_not_unicode_is_refused_where_it_breaks() -> None:
    assert 10 == refusal("fd.name = \ud800").offset


def test_every_node_knows_its_place() -> None:
    node = parse("abc and not fd.name  startswith 'x'", "here")

    assert isinstance(node, And)
    macro, negation = node.children
    assert isinstance(macro, Macro)
    assert isinstance(negation, Not)
    test = negation.child
    assert isinstance(test, Test)
    assert isinstance(test.right, Text)
    places = (node.offset, macro.offset, negation.offset, test.offset, test.op_offset, test.right.offset)
    assert (0, 0, 8, 12, 21, 32) == places
    assert ("here", "here") == (macro.origin, test.origin)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\ '", "\\"),
        (r"""'\x41\n\t\/\' "\\ '""", "A\n\t/' \"\\ "),
        (r'"\xc3\xa9"', "é"),
        (r'"\xff"', "\udcff"),
        (r"a\.b", r"a\.b"),
        ("<NA>", "<NA>"),
    ],
)
def test_the_value_of_a_text(text: str, value: str) -> None:
    node = parse(f"fd.name = {text}")

    assert isinstance(node, Test)
    assert isinstance(node.right, Text)
    assert value == node.right.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proc.name = (a)", "expected a value, found `(` (write `in (…)` to compare with a list)"),
        ("proc.name", "expected an operator, found the end"),
        ("proc.name = 'a", "expected a value, found `'` (the quoted text does not end)"),
        ("a or", "expected a blank or `(` after `or`, found the end"),
        ("", "expected a field, a macro or `(`, found the end"),
        ("proc.name = a b", "expected the end, `and` or `or`, found `b`"),
        (
            "(proc.duration > 60s)",
            "expected `)`, found `s` (numbers have no unit; durations are nanoseconds, 1000000000 a second)",
        ),
    ],
)
def test_an_error_says_what_was_expected_and_what_was_found(text: str, message: str) -> None:
    assert message == str(refusal(text))
