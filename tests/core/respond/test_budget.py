"""Budgets of acts: whoever spends too much spends its own."""

from mozu.core.respond.budget import ActBounds, Budget


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


def test_a_refusal_is_reported_once_a_minute() -> None:
    budget = Budget()
    assert [budget.is_first("rule", "why", at) for at in (0.0, 30.0, 61.0)] == [True, False, True]
    assert budget.is_first("rule", "another reason", 61.0)
