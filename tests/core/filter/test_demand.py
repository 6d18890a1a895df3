from mozu.core.filter.comparison import compare
from mozu.core.filter.demand import Demand, Interest, state_types
from mozu.core.filter.formula import TRUE, Leaf, any_of, interned

A, B, C = (interned(compare(name, "exists")) for name in "abc")


def test_demand_is_the_union_of_what_evaluators_demand() -> None:
    mine = Demand({"syscall": {"open": Interest(predicate=A), "close": Interest()}})
    yours = Demand({"syscall": {"open": Interest(predicate=B), "*": Interest(predicate=C)}})

    whole = mine | yours

    assert any_of((A, B, C)) is whole.predicate("syscall", "open")
    assert TRUE is whole.predicate("syscall", "close")
    assert C is whole.predicate("syscall", "rename")


def test_the_union_asks_for_the_hosts_of_each() -> None:
    assert frozenset({"a", "b"}) == (Demand({}, frozenset({"a"})) | Demand({}, frozenset({"b"}))).hosts


def test_whole_demand_has_every_event_of_its_types() -> None:
    demand = Demand({"syscall": {"open": Interest(frozenset({"cwd"}), A)}}, frozenset({"db"})).whole()

    assert TRUE is demand.predicate("syscall", "open")
    assert (frozenset({"cwd"}), frozenset({"db"})) == (demand.state_dependencies("syscall"), demand.hosts)


def test_equal_comparisons_are_one_leaf() -> None:
    again: Leaf = compare("a", "exists")

    assert again is not A
    assert A is interned(again)


def test_parts_of_the_state_name_the_types_that_keep_them_true() -> None:
    assert {"chdir", "chroot", "fchdir"} == state_types(["cwd"])
    assert state_types(["cwd", "fds"]) == state_types(["cwd"]) | state_types(["fds"]) > state_types(["cwd"])
    assert frozenset() == state_types([]) == state_types(["no_such_part"])


def test_the_union_needs_of_a_type_what_each_needs() -> None:
    mine, yours = (Demand({"syscall": {"open": Interest(frozenset({name}))}}) for name in ("cwd", "env"))
    assert {"open": frozenset({"cwd", "env"})} == {
        name: one.state_dependencies for name, one in (mine | yours).of("syscall").items()
    }
