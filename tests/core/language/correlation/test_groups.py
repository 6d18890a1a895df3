"""Groups in bounded memory."""

from collections import Counter

from mozu.core.language.correlation import Groups


def test_at_the_bound_the_account_with_the_most_groups_loses_its_oldest() -> None:
    groups = Groups(100)
    for number in range(20):
        groups.group(("quiet", number), "quiet")
    for number in range(1000):
        groups.group(("loud", number), "loud")
    assert len(groups) <= 100
    assert groups.evicted >= 900
    assert groups.last_evicted == "loud"
    quiet = [groups.group(("quiet", number), "quiet") for number in range(20)]
    assert groups.evicted + len(groups) == 1020, "every quiet group was still there"
    assert len({id(group) for group in quiet}) == 20


def test_the_group_that_was_touched_least_recently_goes_first() -> None:
    groups = Groups(8)
    first = [groups.group(number, "a") for number in range(8)]
    groups.turn()
    for number in (0, 1, 2, 4, 5, 6, 7):
        groups.group(number, "a")
    groups.group(8, "a")
    assert groups.group(0, "a") is first[0]
    assert groups.group(3, "a") is not first[3]


def test_a_group_that_nothing_touches_for_two_turns_is_gone() -> None:
    groups = Groups(8)
    old = groups.group("k", "a")
    groups.turn()
    assert groups.group("k", "a") is old
    groups.turn()
    groups.turn()
    assert len(groups) == 0
    assert groups.group("k", "a") is not old


def test_accounts_with_the_most_groups_are_cut_to_one_level() -> None:
    groups = Groups(64)
    for account, count in (("a", 30), ("b", 30), ("c", 4)):
        for number in range(count):
            groups.group((account, number), account)
    groups.group(("d", 0), "d")
    held = Counter(group.account for group in groups._young.values())
    assert {"a": 28, "b": 28, "c": 4, "d": 1} == held


def test_of_accounts_with_one_group_each_a_sixteenth_goes_at_once() -> None:
    """One scan for each new group would take milliseconds for an event."""
    groups = Groups(64)
    for number in range(65):
        groups.group(number, number)
    assert 4 == groups.evicted
    assert not any(groups.is_young(number) for number in range(4))
