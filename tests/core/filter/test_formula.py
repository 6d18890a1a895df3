"""The algebra of conditions: equal formulas are one object, and no operation changes a value."""

import gc
import itertools
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllOf,
    AnyOf,
    Bounds,
    Constant,
    Formula,
    Leaf,
    Negation,
    all_of,
    any_of,
    at_most,
    complement,
    exactly,
    factor,
    fold,
    holds,
    interned,
    leaves,
    may_hold,
    necessary,
    negation,
    substitute,
)

A, B, C, D = LEAVES = [interned(compare(name, "exists")) for name in "abcd"]

FORMULAS = st.recursive(
    st.sampled_from([*LEAVES, TRUE, FALSE]),
    lambda inner: (
        st.lists(inner, max_size=4).map(all_of) | st.lists(inner, max_size=4).map(any_of) | inner.map(negation)
    ),
    max_leaves=25,
)


def worlds() -> Iterator[Callable[[Leaf], bool]]:
    """Yield every assignment of true or false to the leaves."""
    for values in itertools.product((False, True), repeat=len(LEAVES)):
        yield dict(zip(LEAVES, values, strict=True)).__getitem__


def truth(formula: Formula, world: Callable[[Leaf], bool]) -> bool:
    """Return the truth by the definition of the nodes, without the algebra."""

    def visit(node: Formula, inner: list[bool]) -> bool:
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Leaf):
            return world(node)
        return all(inner) if isinstance(node, AllOf) else any(inner) if isinstance(node, AnyOf) else not inner[0]

    return fold(formula, visit)


def size(formula: Formula) -> int:
    return fold(formula, lambda node, inner: 1 if isinstance(node, Leaf) else sum(inner))


# --- making


def test_compounds_are_flat_and_have_no_doubles() -> None:
    both, either = all_of((A, all_of((B, A)))), any_of((A, any_of((B, A))))

    assert isinstance(both, AllOf)
    assert (A, B) == both.parts
    assert isinstance(either, AnyOf)
    assert (A, B) == either.parts
    assert A is all_of((A, TRUE, A))


def test_constants_and_opposites_decide() -> None:
    assert (TRUE, FALSE, FALSE, TRUE) == (any_of((A, TRUE)), all_of((A, FALSE)), any_of(()), all_of(()))
    assert (FALSE, TRUE) == (all_of((A, B, negation(A))), any_of((negation(A), B, A)))
    assert (A, FALSE) == (negation(negation(A)), negation(TRUE))


def test_what_another_part_makes_redundant_is_absorbed() -> None:
    assert A is any_of((A, all_of((A, B))))
    assert A is all_of((any_of((A, B)), A))
    assert all_of((any_of((A, B)), C)) is all_of((any_of((A, B)), C, any_of((A, B, D))))


def test_equal_formulas_are_one_object_wherever_they_are_made() -> None:
    made = all_of((compare("a", "exists"), any_of((compare("b", "exists"), negation(compare("c", "exists"))))))

    assert made is all_of((A, any_of((B, negation(C)))))


def test_formulas_that_nothing_uses_leave_no_trace() -> None:
    from mozu.core.filter import formula as module

    gc.collect()
    before = len(module._compounds), len(module._leaves), len(module._interned)
    made = all_of(compare(f"only.here.{number}", "exists") for number in range(50))
    assert len(module._leaves) == before[1] + 50
    del made
    gc.collect()

    assert before == (len(module._compounds), len(module._leaves), len(module._interned))


@given(FORMULAS, FORMULAS)
def test_fuzz_operations_say_what_their_names_say(one: Formula, other: Formula) -> None:
    for world in worlds():
        first, second = truth(one, world), truth(other, world)
        assert (first and second) is truth(all_of((one, other)), world)
        assert (first or second) is truth(any_of((one, other)), world)
        assert (not first) is truth(negation(one), world) is truth(complement(one), world)
        assert first is holds(one, world)


# --- reading


def test_a_deep_formula_is_no_deep_recursion() -> None:
    formula: Formula = A
    for _ in range(5000):
        formula = any_of((all_of((formula, B)), negation(all_of((C, D, formula)))))

    assert 4 == len(list(leaves(formula)))
    assert complement(complement(formula)) is complement(complement(complement(complement(formula))))
    assert factor(formula) is not None


def test_leaves_stand_in_their_order_once_each() -> None:
    assert [C, A, B] == list(leaves(all_of((C, any_of((A, negation(B))), any_of((negation(A), B))))))


def test_substitution_simplifies() -> None:
    formula = any_of((all_of((A, B)), C))

    assert C is substitute(formula, lambda leaf: FALSE if leaf == A else leaf)


@given(FORMULAS)
def test_fuzz_what_is_known_of_leaves_bounds_what_a_formula_can_be(formula: Formula) -> None:
    for world in worlds():
        known = {A: world(A), B: world(B)}
        possible = any(truth(formula, other) for other in worlds() if all(other(one) == known[one] for one in known))
        if possible:
            assert may_hold(formula, known.get)


# --- necessary and exact


def test_a_back_end_that_tests_every_leaf_is_exact() -> None:
    formula = any_of((all_of((A, negation(B))), C))

    assert Bounds(formula, complement(formula)) == necessary(formula, exactly)
    assert necessary(formula, exactly).is_exact
    assert not necessary(formula, lambda leaf: UNKNOWN if leaf == C else exactly(leaf)).is_exact


def test_what_cannot_be_tested_counts_as_true_on_either_side_of_not() -> None:
    def only_a(leaf: Leaf) -> Bounds:
        return exactly(leaf) if leaf == A else UNKNOWN

    assert A is necessary(all_of((A, B)), only_a).true
    assert A is necessary(all_of((A, negation(B))), only_a).true
    assert TRUE is necessary(any_of((A, B)), only_a).true
    assert negation(A) is necessary(negation(any_of((A, B))), only_a).true


def test_a_bound_of_one_side_says_nothing_of_the_other() -> None:
    assert D is necessary(A, lambda _: at_most(D)).true
    assert TRUE is necessary(negation(A), lambda _: at_most(D)).true


@given(FORMULAS, st.sets(st.sampled_from(LEAVES)))
def test_fuzz_bounds_are_necessary_and_exact_ones_decide(formula: Formula, known: set[Leaf]) -> None:
    bounds = necessary(formula, lambda leaf: exactly(leaf) if leaf in known else UNKNOWN)

    for world in worlds():
        value = truth(formula, world)
        assert truth(bounds.true, world) or not value
        assert truth(bounds.false, world) or value
        if bounds.is_exact:
            assert truth(bounds.true, world) is value


# --- sharing


@given(FORMULAS)
def test_fuzz_factoring_keeps_the_value_and_makes_nothing_longer(formula: Formula) -> None:
    shorter = factor(formula)

    assert size(shorter) <= size(formula)
    assert all(truth(formula, world) is truth(shorter, world) for world in worlds())


def test_what_alternatives_share_is_tested_once() -> None:
    assert any_of((D, all_of((A, any_of((B, C)))))) is factor(any_of((all_of((A, B)), D, all_of((C, A)))))
    cheap = factor(any_of((all_of((A, B, C)), all_of((A, D)), all_of((B, D)))), lambda one: 1 if one == B else 5)
    assert any_of((all_of((A, D)), all_of((B, any_of((all_of((A, C)), D)))))) is cheap


def test_nodes_are_compared_by_identity() -> None:
    assert Negation(A) != Negation(A)


def test_a_changed_leaf_changes_what_stands_above_it_and_an_unchanged_formula_stays_the_same() -> None:
    whole = all_of((A, negation(any_of((B, negation(C))))))
    assert substitute(whole) is whole
    changed = substitute(whole, lambda leaf: D if leaf is C else leaf)
    assert changed is all_of((A, negation(any_of((B, negation(D))))))
    assert substitute(negation(A), lambda leaf: B) is negation(B)
    assert substitute(whole, conjunction=any_of) is any_of((A, negation(any_of((B, negation(C))))))
