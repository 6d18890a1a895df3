"""The set of numbers in a spool, with any holes."""

from hypothesis import given
from hypothesis import strategies as st

from mozu.core.delivery.spool.number_set import NumberSet

Ranges = st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 9_000)), max_size=6)


@given(Ranges, Ranges)
def test_it_is_a_set_property(added: list[tuple[int, int]], removed: list[tuple[int, int]]) -> None:
    found, expected = NumberSet(), set[int]()
    for first, size in added:
        found.add(first, first + size)
        expected.update(range(first, first + size + 1))
    for first, size in removed:
        found.discard(range(first, first + size + 1))
        expected.difference_update(range(first, first + size + 1))
    assert sorted(expected) == list(found.without(NumberSet()))
    some = NumberSet(sorted(expected)[::3])
    assert sorted(expected)[::3] == [number for number in (0, *sorted(expected)) if number in some]
    assert sorted(expected - set(sorted(expected)[::3])) == list(found.without(some))
