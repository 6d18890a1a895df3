"""The key `correlation` of a rule: each mistake has its place and a remedy."""

import pytest

from tests.core.language.rules.small import loaded

READ = "- rule: Key read\n  desc: d\n  output: o\n  priority: INFO\n  condition: evt.type = open\n"
HEAD = READ + "- rule: Keys tried\n  desc: d\n  output: o\n  priority: INFO\n"
COUNT = "{type: event_count, rules: [Key read], timespan: 60s, condition: {gte: 3}}"


def _problems(correlation: str) -> list[str]:
    report = loaded(f"{HEAD}  correlation: {correlation}\n").report
    return [problem.message for problem in report.problems()]


def test_a_count_is_read() -> None:
    assert _problems(COUNT) == []
    (_, rule) = loaded(f"{HEAD}  correlation: {COUNT}\n").rules.rules
    assert rule.correlation is not None
    assert rule.correlation.names == ("key_read",)
    assert (rule.correlation.window.span, rule.correlation.window.at_least) == (60 * 10**9, 3)


def test_more_than_a_number_is_at_least_the_next_one() -> None:
    (_, rule) = loaded(f"{HEAD}  correlation: {COUNT.replace('gte', 'gt')}\n").rules.rules
    assert rule.correlation is not None
    assert rule.correlation.window.at_least == 4


@pytest.mark.parametrize(("timespan", "seconds"), [("90s", 90), ("15m", 900), ("4h", 14_400), ("1d", 86_400)])
def test_a_timespan_has_a_unit(timespan: str, seconds: int) -> None:
    (_, rule) = loaded(f"{HEAD}  correlation: {COUNT.replace('60s', timespan)}\n").rules.rules
    assert rule.correlation is not None
    assert rule.correlation.window.span == seconds * 10**9


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("event_count", "event_cuont", "there is no correlation of the type `event_cuont`"),
        ("60s", "60", "`60` is no timespan"),
        (", timespan: 60s", "", "the key `timespan` is missing"),
        (", condition: {gte: 3}", "", "a correlation of the type event_count needs a `condition`"),
        ("{gte: 3}", "{lt: 3}", "`lt` cannot be decided before the timespan ends"),
        ("{gte: 3}", "{gte: 3, gt: 2}", "`condition` of a correlation needs either `gte` or `gt`, with a number"),
        ("{gte: 3}", "{gte: 0}", "`gte: 0` must be a whole number for 1 to 10,000 matches"),
        ("{gte: 3}", "{gte: many}", "`gte: many` must be a whole number for 1 to 10,000 matches"),
        ("{gte: 3}", "{gte: 3, field: fd.name}", "an event_count counts events, not the values of a field"),
        ("type: event_count", "type: value_count", "the key `field` is missing"),
        ("[Key read]", "[]", "`rules` of a correlation must be a sequence with one element or more"),
        ("[Key read]", "[Key read, Key read]", "two rules of the correlation are called `key_read`"),
        ("[Key read]", "[{name: A B, rule: Key read}]", "`A B` cannot be the name of a correlated rule"),
        (
            "[Key read]",
            "[{name: a}]",
            "a correlated rule needs either `rule`, the name of another rule, or a `condition`",
        ),
        ("[Key read]", "[[a]]", "an element of `rules` must be the name of a rule, or a mapping"),
        ("timespan", "tmespan: 3s, timespan", "the key `tmespan` has no meaning here and is ignored"),
        ("type: event_count", "type: temporal", "a correlation of the type temporal has no `condition`"),
    ],
)
def test_mistakes_are_reported(written: str, instead: str, message: str) -> None:
    assert message in _problems(COUNT.replace(written, instead))


def test_a_sequence_needs_two_rules() -> None:
    message = "a correlation of the type temporal_ordered needs two rules or more"
    assert [message] == _problems("{type: temporal_ordered, rules: [Key read], timespan: 60s}")


def test_an_alias_names_a_field_for_each_rule() -> None:
    aliases = "aliases: {who: {key_raed: user.name}}, group-by: [who]"
    assert ["the alias `who` does not name one field for each rule"] == _problems(f"{COUNT[:-1]}, {aliases}}}")


def test_a_mistake_has_the_place_of_its_key_and_a_remedy() -> None:
    (problem,) = loaded(f"{HEAD}  correlation: {COUNT.replace('60s', '60')}\n").report.problems()
    assert problem.place[0] == 10
    assert problem.hint == "write a number with its unit: 90s, 15m, 4h or 1d"
