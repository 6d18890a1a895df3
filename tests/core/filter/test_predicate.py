from collections.abc import Callable

from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.predicate import FALSE, TRUE, AllOf, AnyOf, Comparison, Predicate, all_of, any_of, holds

A, B, C = (Comparison(name, "exists") for name in "abc")


def truth(*true: Predicate) -> Callable[[Comparison], bool]:
    return lambda fact: fact in true


def test_predicates_are_joined_without_needless_levels() -> None:
    both = all_of((A, all_of((B, A))))
    either = any_of((A, any_of((B, A))))

    assert isinstance(both, AllOf)
    assert (A, B) == both.parts
    assert isinstance(either, AnyOf)
    assert (A, B) == either.parts
    assert A is all_of((A, TRUE, A))


def test_constants_decide() -> None:
    assert TRUE is any_of((A, TRUE))
    assert FALSE is all_of((A, FALSE))
    assert FALSE is any_of(())
    assert TRUE is all_of(())


def test_a_predicate_holds_as_its_facts_do() -> None:
    predicate = any_of((all_of((A, B)), C))

    assert [True, False, True] == [holds(predicate, truth(*true)) for true in ((A, B), (A,), (C,))]


def test_a_deep_predicate_is_no_deep_recursion() -> None:
    predicate: Predicate = A
    for _ in range(5000):
        predicate = any_of((all_of((predicate, B)), C))

    assert holds(predicate, truth(A, B))
    assert not holds(predicate, truth(A))


def test_demand_asks_for_what_anybody_wants() -> None:
    mine = Demand({"syscall": {"open": Interest(predicate=A), "close": Interest()}})
    yours = Demand({"syscall": {"open": Interest(predicate=B), "*": Interest(predicate=C)}})

    whole = mine | yours

    assert holds(whole.predicate("syscall", "open"), truth(B))
    assert holds(whole.predicate("syscall", "open"), truth(C))
    assert not holds(whole.predicate("syscall", "open"), truth())
    assert TRUE is whole.predicate("syscall", "close")
    assert C is whole.predicate("syscall", "rename")


def test_whole_demand_has_every_event_of_its_types() -> None:
    demand = Demand({"syscall": {"open": Interest(frozenset({"cwd"}), A)}}, frozenset({"db"})).whole()

    assert TRUE is demand.predicate("syscall", "open")
    assert (frozenset({"cwd"}), frozenset({"db"})) == (demand.state_dependencies("syscall"), demand.hosts)
