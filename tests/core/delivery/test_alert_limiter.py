"""Deduplication and rate limit: the alerts that pass, and the reports on the others."""

import pytest

from mozu.core.delivery import alert_limiter, token_buckets
from mozu.core.delivery.alert_limiter import FOLDED, AlertLimiter
from mozu.core.delivery.plain import REPLACED
from mozu.core.delivery.token_buckets import RateLimited
from mozu.core.model.alert import Alert, Ref, Severity, Template
from mozu.core.runtime.config.delivery import AlertLimitSettings
from mozu.core.testing import alert


def at(second: int, rule: str = "Shell", **values: str) -> Alert:
    made = alert(rule, **values)
    made.time = second * 1_000_000_000
    return made


def test_without_settings_everything_passes() -> None:
    limiter = AlertLimiter()
    assert limiter._buckets._burst == AlertLimitSettings().burst
    assert (True, [True, True]) == (limiter.off, [limiter.passes(at(0), 0.0) for _ in range(2)])


def test_a_repeat_within_the_time_is_suppressed_and_its_number_reported_when_it_is_over() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    passed = [limiter.passes(at(second), float(second)) for second in (0, 1, 59)]
    assert ([True, False, False], []) == (passed, list(limiter.due(59.0)))
    (summary,) = limiter.due(60.0)
    assert (2, 0, 59_000_000_000) == tuple(
        summary.values[name] for name in ("mozu.repeats", "mozu.first_time", "mozu.last_time")
    )
    assert summary.message().endswith(" (repeated 2 times)")
    assert limiter.passes(at(61), 61.0)


def test_an_alert_without_repeats_has_no_summary() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    limiter.passes(at(0), 0.0)
    assert [] == list(limiter.due(None))


def test_another_message_or_another_rule_is_no_repeat() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    alerts = (at(0, name="a"), at(0, name="b"), at(0, "Other", name="a"))
    assert [True, True, True] == [limiter.passes(one, 0.0) for one in alerts]


def test_at_the_end_every_repeat_is_reported_whatever_its_time() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    for _ in range(3):
        limiter.passes(at(0), 0.0)
    assert [2] == [one.values["mozu.repeats"] for one in limiter.due(None)]


def test_a_burst_passes_then_the_rate_counts_and_what_it_suppressed_is_reported_once() -> None:
    limiter = AlertLimiter(rate=1.0, burst=2)
    passed = [limiter.passes(at(second), float(second)) for second in (0, 0, 0, 0, 1)]
    assert [True, True, False, False, True] == passed
    assert [RateLimited("Shell", 2, 0)] == list(limiter.rate_limited())
    assert [] == list(limiter.rate_limited())


def test_each_rule_has_a_bucket_of_its_own() -> None:
    limiter = AlertLimiter(rate=1.0, burst=1)
    assert [True, False, True] == [limiter.passes(at(0, rule), 0.0) for rule in ("A", "A", "B")]


def test_notices_of_mozu_itself_are_never_limited() -> None:
    limiter, notice = AlertLimiter(dedup_seconds=60.0, rate=1.0, burst=1), at(0, "Events lost")
    notice.source = "internal"
    assert [True] * 3 == [limiter.passes(notice, 0.0) for _ in range(3)]


def test_the_number_of_remembered_messages_is_bounded_and_the_oldest_ends_early_with_its_summary() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0, max_messages=3)
    passed = [limiter.passes(at(0, name=name), 0.0) for name in ("a", "a", "b", "c", "d", "e")]
    assert [True, False, True, True, True, True] == passed
    assert [1] == [one.values["mozu.repeats"] for one in limiter.due(0.0)]
    assert (["d", "e"], []) == ([one.first.values["name"] for one in limiter._repeats.values()], list(limiter.due(0.0)))


def test_a_flood_of_unique_messages_keeps_memory_bounded_property() -> None:
    limiter, unique = AlertLimiter(dedup_seconds=60.0, max_messages=50, max_bytes=100_000), 2_000
    for number in range(unique):
        for _ in range(2):
            limiter.passes(at(0, name=f"{number}" + "x" * (number * 37 % 5_000)), 0.0)
        assert len(limiter._repeats) + len(limiter._ended) <= 50
        assert limiter._bytes <= 100_000
        if number % 7 == 0:
            list(limiter.due(0.0))
    list(limiter.due(None))
    assert (0, 0, 0) == (limiter._bytes, len(limiter._repeats), len(limiter._ended))


def test_a_message_that_is_larger_than_all_room_passes_each_time() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0, max_bytes=10_000)
    assert [True, True] == [limiter.passes(at(0, name="x" * 20_000), 0.0) for _ in range(2)]


def test_while_too_many_summaries_wait_alerts_pass_unchanged_and_none_is_lost() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0, max_messages=2)
    passed = sum(limiter.passes(at(0, name=name), 0.0) for name in "aabbccddaa")
    repeats = sum(int(str(one.values["mozu.repeats"])) for one in limiter.due(None))
    assert 10 == passed + repeats


def test_one_message_is_two_alerts_the_first_at_once_and_a_summary_with_the_number_of_the_others() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    passed = [one for one in (at(second) for second in range(5)) if limiter.passes(one, 0.0)]
    (summary,) = limiter.due(None)
    assert (1, 4, True) == (len(passed), summary.values["mozu.repeats"], summary.id != passed[0].id)


def test_after_its_time_a_message_passes_again_even_before_its_summary_was_asked_for() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    assert [True, False, True] == [limiter.passes(at(second), float(second)) for second in (0, 1, 61)]
    assert [1] == [one.values["mozu.repeats"] for one in limiter.due(61.0)]


def test_the_number_of_buckets_is_bounded_and_what_a_forgotten_one_suppressed_is_reported() -> None:
    limiter = AlertLimiter(rate=1.0, burst=1)
    assert [True, False] == [limiter.passes(at(3, "first"), 0.0) for _ in range(2)]
    for number in range(10_000):
        limiter.passes(at(3, f"rule {number}"), 0.0)
    assert 10_000 == len(limiter._buckets._buckets)
    assert [RateLimited("first", 1, 3_000_000_000)] == list(limiter.rate_limited())
    assert [] == list(limiter.rate_limited())


def test_where_memory_is_short_the_longest_known_messages_end_early_with_their_summary() -> None:
    limiter = AlertLimiter(dedup_seconds=3600.0)
    for number in (1, 2, 3, 1):
        limiter.passes(alert(str(number)), 0.0)
    assert [2, 1, 0] == [limiter.shrink() for _ in range(3)]
    assert [1] == [one.values["mozu.repeats"] for one in limiter.due(0.0)]
    assert limiter.passes(alert("1"), 0.0)


def test_all_summaries_of_one_rule_share_a_template() -> None:
    limiter = AlertLimiter(dedup_seconds=1.0)
    found: list[Alert] = []
    for times in (2, 3):
        for _ in range(times):
            limiter.passes(alert("x"), 0.0)
        found += limiter.due(None)
    assert [" (repeated 1 times)", " (repeated 2 times)"] == [one.message()[-19:] for one in found]
    assert found[0].template is found[1].template or found[0].template == found[1].template


def test_of_too_many_rules_the_one_that_was_limited_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_buckets, "_MAX_BUCKETS", 2)
    limiter = AlertLimiter(rate=1.0, burst=1)
    passed = [limiter.passes(at(0, rule), 0.0) for rule in ("a", "b", "a", "c", "a", "b")]
    assert [True, True, False, True, False, True] == passed


@pytest.mark.parametrize("settings", [{"dedup_seconds": 1.0}, {"rate": 1.0}])
def test_with_one_of_both_settings_it_is_on(settings: dict[str, float]) -> None:
    assert not AlertLimiter(**settings).off  # type: ignore[arg-type]  # none of them is the burst


def test_the_time_of_a_message_is_over_at_its_end_and_not_behind_it() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    assert [True, False, True] == [limiter.passes(at(0), now) for now in (0.0, 59.9, 60.0)]


@pytest.mark.parametrize(("missing", "remembered"), [(0, ["a" * 50, "b" * 50]), (1, ["b" * 50])])
def test_messages_are_remembered_as_long_as_their_bytes_fit(missing: int, remembered: list[str]) -> None:
    """Count 1,000 bytes for an alert, its message twice, and the texts of its values, enrichment included."""
    alerts = [at(0, name="a" * 50), at(0, name="b" * 50)]
    for one in alerts:
        one.enrichment = {"proc.cwd": "/" * 30, "proc.pid": 5}
    whole = sum(1_000 + 2 * len(one.message()) + 50 + 30 for one in alerts)
    limiter = AlertLimiter(dedup_seconds=60.0, max_bytes=whole - missing)
    for one in alerts:
        limiter.passes(one, 0.0)
    assert remembered == [one.first.values["name"] for one in limiter._repeats.values()]


def test_a_message_without_repeats_gives_its_bytes_back() -> None:
    limiter = AlertLimiter(dedup_seconds=60.0)
    limiter.passes(at(0), 0.0)
    assert limiter._bytes > 1_000
    assert ([], 0) == (list(limiter.due(None)), limiter._bytes)


def test_a_bucket_fills_with_the_time_and_no_further_than_its_burst() -> None:
    limiter = AlertLimiter(rate=2.0, burst=2)
    times = (1000.0, 1000.0, 1000.4, 1000.5, 1000.5, 2000.0, 2000.0, 2000.0)
    assert [True, True, False, True, False, True, True, False] == [limiter.passes(at(0), now) for now in times]


def test_what_rules_that_were_forgotten_had_suppressed_is_reported_together_beyond_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_buckets, "_MAX_BUCKETS", 1)
    monkeypatch.setattr(token_buckets, "_MAX_FORGOTTEN", 1)
    limiter = AlertLimiter(rate=1.0, burst=1)
    for second, rule, suppressed in ((9, "a", 1), (8, "b", 2), (5, "c", 3), (7, "d", 4), (1, "e", 0)):
        for _ in range(1 + suppressed):
            limiter.passes(at(second, rule), 0.0)
    found = {one.rule: (one.count, one.since // 1_000_000_000) for one in limiter.rate_limited()}
    assert {"a": (1, 9), "(others)": (9, 5)} == found


def test_a_summary_that_cannot_be_made_is_replaced_by_its_alert_in_plain_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_limiter, "_repeated", None)
    limiter = AlertLimiter(dedup_seconds=60.0)
    for _ in range(2):
        limiter.passes(at(3), 0.0)
    (found,) = limiter.due(None)
    assert ("Shell", 3_000_000_000, True) == (found.rule, found.time, REPLACED in found.values)


def own(second: int, *, rule_id: str = "MZ-0001", priority: Severity = Severity.NOTICE, pairs: bool = True) -> Alert:
    made = at(second)
    made.rule_id, made.priority = rule_id, priority
    made.template = Template(("a shell ran", Ref("proc.pid", "int", label="pid" if pairs else "")))
    return made


def notice(rule: str = "Gap", priority: Severity = Severity.WARNING) -> Alert:
    made = at(0, rule)
    made.source, made.priority = "internal", priority
    return made


def passed(*alerts: Alert) -> list[bool]:
    limiter = AlertLimiter(own_rate=1.0, own_burst=1)
    return [limiter.passes(one, 0.0) for one in alerts]


def test_mozus_own_alerts_below_warning_are_limited_by_rule_and_counted_after_a_minute() -> None:
    limiter = AlertLimiter(own_rate=1.0, own_burst=2)
    assert [True, True, False, False] == [limiter.passes(own(second), 0.0) for second in (3, 4, 5, 6)]
    assert [] == list(limiter.folded(59.0))
    assert [RateLimited("Shell", 2, 5_000_000_000)] == list(limiter.folded(60.0))
    assert [] == list(limiter.folded(None))
    assert limiter.passes(own(7), 60.0)


def test_at_the_end_what_was_folded_is_counted_at_once() -> None:
    limiter = AlertLimiter(own_rate=1.0, own_burst=1)
    assert [True, False] == [limiter.passes(own(0), 0.0) for _ in range(2)]
    assert [RateLimited("Shell", 1, 0)] == list(limiter.folded(None))


@pytest.mark.parametrize(
    "made",
    [
        own(0, priority=Severity.WARNING),
        own(0, rule_id=""),
        own(0, rule_id="ACME-1"),
        own(0, pairs=False),
        notice(priority=Severity.ERROR),
        notice(FOLDED, Severity.NOTICE),
        notice("Response taken"),
    ],
    ids=["severe", "Falco's", "another's", "of another mozu", "a severe notice", "the count itself", "an act"],
)
def test_no_other_alert_is_limited_by_default(made: Alert) -> None:
    assert [True, True] == passed(made, made)


def test_notices_below_error_are_limited() -> None:
    assert [True, True, False] == passed(notice(), notice("Source ended"), notice())


def test_the_limit_is_on_by_default_and_only_for_mozus_own() -> None:
    limiter = AlertLimiter(**AlertLimitSettings().model_dump())
    assert limiter.off
    assert 100 == sum(limiter.passes(own(0), 0.0) for _ in range(200))
    assert 200 == sum(limiter.passes(at(0), 0.0) for _ in range(200))
