"""Budgets of acts: a rule or account that acts too often uses up its own budget only."""

from mozu.core.respond.budget import ActBounds, Budget, FirstOfAMinute


def taken(budget: Budget, count: int, rule: str = "rule", account: str = "user 1", at: float = 100.0) -> list[bool]:
    return [not budget.take(rule, account, 10, at) for _ in range(count)]


def test_a_rule_gone_wild_stops_after_its_acts_in_a_minute() -> None:
    budget = Budget(ActBounds(account=100, total=100))
    assert taken(budget, 12) == [True] * 10 + [False] * 2
    assert taken(budget, 1, at=159.9) == [False]
    assert taken(budget, 1, at=160.1) == [True]


def test_an_account_that_has_spent_its_acts_leaves_the_others_theirs() -> None:
    budget = Budget(ActBounds(account=5, total=100))
    assert taken(budget, 7) == [True] * 5 + [False] * 2
    assert taken(budget, 2, account="container a") == [True] * 2


def test_what_is_spent_in_all_is_not_spent_for_an_account_that_has_had_nothing() -> None:
    budget = Budget(ActBounds(account=5, total=4))
    assert taken(budget, 5, rule="a") == [True] * 4 + [False]
    assert taken(budget, 3, rule="b", account="user 2") == [True, True, False]


def test_all_accounts_together_end_at_twice_the_bound() -> None:
    budget = Budget(ActBounds(account=5, total=4))
    given = [taken(budget, 1, rule=f"{number}", account=f"user {number}")[0] for number in range(20)]
    assert given == [True] * 8 + [False] * 12


def test_accounts_that_have_spent_a_rule_leave_one_act_of_it_to_each_other_account() -> None:
    budget = Budget(ActBounds(account=5, total=1000))
    assert taken(budget, 5, account="user a") == [True] * 5
    assert taken(budget, 6, account="user b") == [True] * 5 + [False]
    given = [taken(budget, 2, account=f"user {number}") for number in range(12)]
    assert given == [[True, False]] * 10 + [[False, False]] * 2


def test_any_number_of_containers_spends_nothing_of_users() -> None:
    budget = Budget(ActBounds(account=5, total=10))
    for number in range(60):
        taken(budget, 5, account=f"container {number}")
    assert taken(budget, 6) == [True] * 5 + [False]


def test_to_look_spends_nothing() -> None:
    budget = Budget()
    assert [budget.look("rule", "user 1", 1, 0.0) for _ in range(3)] == [""] * 3
    assert [bool(budget.take("rule", "user 1", 1, 0.0)) for _ in range(2)] == [False, True]
    assert budget.look("rule", "user 1", 1, 0.0)


def test_a_refusal_is_reported_once_a_minute() -> None:
    firsts = FirstOfAMinute()
    assert [firsts.is_first("why", at) for at in (0.0, 30.0, 61.0)] == [True, False, True]
    assert firsts.is_first("another reason", 61.0)
