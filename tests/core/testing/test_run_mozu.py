"""Whole runs of a third party's components: look-ups, their times and numbers; defects, and who is informed of them."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Event
from mozu.core.errors import ConfigError, PluginError
from mozu.testing import MozuRun, alert, data_event, event, process, run_mozu
from tests.core.testing.acme import CLIENT, RULE, UPPER, Geo, RecordedVisits, WaitingVisits, geo, visit, waiting

TABLE = {"a": "DE", "b": "FR", "c": None}


def run(
    tmp_path: Path,
    *clients: str,
    rule: str = RULE,
    config: Mapping[str, Any] | None = None,
    virtual_time: bool = False,
    **how: Any,
) -> MozuRun:
    (tmp_path / "rules.yaml").write_text(rule)
    whole = {
        "enrichers": ["geo"], "plugins": [], "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}],
        **(config or {}),
    }  # fmt: skip
    events = [visit(client, number) for number, client in enumerate(clients)]
    return run_mozu(whole, events, declarations=[CLIENT, geo(TABLE, **how)], virtual_time=virtual_time)


def test_events_wait_for_their_look_up_and_raise_alerts_with_its_answer(tmp_path: Path) -> None:
    done = run(tmp_path, "a", "b")
    assert [one.message() for one in done.alerts] == ["visit of b from FR"]
    assert (done.code, done.statistics["sources"]["given_events"]["evaluated"]) == (0, 2)


def test_a_key_is_looked_up_once_however_many_events_want_it(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = run(tmp_path, *"bbbab", made=made)
    assert (sorted(made[0].asked), len(done.alerts)) == (["a", "b"], 4)


def test_nothing_is_looked_up_that_no_rule_reads(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = run(tmp_path, "b", "z", rule=RULE[RULE.index("- rule: Visit of z") :], made=made)
    assert (made[0].asked, done.rules()) == ([], ["Visit of z"])


def test_a_field_in_an_output_is_wanted_too(tmp_path: Path) -> None:
    made: list[Geo] = []
    rule = RULE[RULE.index("- rule: Visit of z") :].replace("output: visit", "output: from %geo.country")
    done = run(tmp_path, "z", rule=rule, made=made)
    assert (made[0].asked, [one.message() for one in done.alerts]) == (["z"], ["from <NA>"])


def test_look_ups_are_bounded_in_parallel(tmp_path: Path) -> None:
    made: list[Geo] = []
    run(tmp_path, *"abcdefghij", made=made, parallel=3)
    assert (len(made[0].asked), made[0].most_at_once) == (10, 3)


def test_at_the_end_no_look_up_takes_the_place_of_one_that_hangs(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = run(tmp_path, *"abc", made=made, parallel=1, wrong="resolve hangs", virtual_time=True)
    assert (made[0].asked, len(done.alerts), done.code) == (["a"], 0, 0)


def test_an_entry_of_the_configuration_changes_the_limits_of_the_plugin(tmp_path: Path) -> None:
    made: list[Geo] = []
    run(tmp_path, *"abcdefghij", made=made, parallel=3, config={"enrichers": [{"geo": {"lookups": {"parallel": 2}}}]})
    assert made[0].most_at_once == 2


def test_an_answer_that_there_is_nothing_is_kept(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = run(tmp_path, *"ccc", made=made)
    assert (made[0].asked, done.metric("enricher_lookups_empty_total")) == (["c"], 1)


def test_a_key_that_cannot_be_looked_up_delays_events_once(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = run(tmp_path, *"bbb", made=made, wrong="resolve raises")
    assert made[0].asked == ["b"]
    assert (done.alerts, done.statistics["sources"]["given_events"]["evaluated"]) == ([], 3)


def test_an_answer_that_is_kept_nowhere_is_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = run(tmp_path, "a", "b", wrong="never known")
    said = [one.getMessage() for one in caplog.records if "`known` is False" in one.getMessage()]
    assert (len(said), done.metric("enricher_lookups_unknown_total", id="geo")) == (1, 2)
    assert said[0].startswith("enricher geo: `resolve('a')` has ended, and `known` is False; what was found, or None, ")


def test_events_of_a_class_that_no_plugin_declares_are_counted_and_reported_once(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULE[RULE.index("- rule: Visit of z") :])
    config = {"evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}]}
    events = [visit("z"), *(data_event("visit", {"client": "z"}, source="acne") for _ in range(3))]
    done = run_mozu(config, events, declarations=[CLIENT])
    (notice,) = done.notices
    assert (done.rules(), notice.rule) == (["Visit of z"], "Events undeclared")
    assert done.metric("events_undeclared_total", source="given_events") == 3
    assert "'acne', which no plugin declares, so that no rule sees them; did you mean 'acme'? " in notice.message()


def test_a_wrong_value_counts_as_absent_and_names_the_rules_that_read_the_field(tmp_path: Path) -> None:
    done = run(tmp_path, "b", "z", wrong="wrong type")
    (notice,) = [one for one in done.notices if one.rule == "Field impaired"]
    assert done.rules() == ["Visit of z"]
    assert "field geo.country of " in notice.message()
    assert notice.message().endswith(
        "gave a wrong value, which counts as absent: string takes str, not int; rules impaired: Foreign visit"
    )
    assert done.metric("field_values_rejected_total", field="geo.country") == 2


def test_what_an_enricher_could_not_ask_for_is_marked_counted_and_reported_with_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "alerts"
    config = {"sinks": [{"file": {"path": str(file), "format": "json"}}]}
    rule = RULE.replace("output: visit\n", "output: visit from %geo.country\n")
    done = run(tmp_path, "b", "z", "z", rule=rule, config=config, wrong="unreachable")

    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert [None, ["geo"], ["geo"]] == [one.get("incomplete") for one in written if one["source"] == "acme"]
    (notice,) = [one for one in done.notices if one.rule == "Enricher unanswered"]
    assert "enricher geo: 2 events were judged without its data" in notice.message()
    assert notice.message().endswith("rules impaired: Foreign visit, Visit of z")
    assert 2 == done.metric("enricher_unanswered_events_total", id="geo")


def test_an_enricher_without_a_reader_of_its_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"declares the field geo.country, and its `readers\(\)` have none"):
        run(tmp_path, wrong="no reader")


def test_a_key_that_raises_blinds_no_rule(tmp_path: Path) -> None:
    done = run(tmp_path, "z", wrong="key raises")
    assert (done.rules(), done.metric("component_failures_total", kind="enricher")) == (["Visit of z"], 1)


def test_a_format_of_a_plugin_is_named_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "alerts"
    config = {"sinks": [{"file": {"path": str(file), "format": "upper"}}]}
    run_mozu(config, [alert("A rule")], declarations=[UPPER])
    assert file.read_text() == "A RULE\n"


def test_a_format_that_is_nearly_that_of_a_plugin_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no format is called 'uper'; did you mean 'upper'"):
        run_mozu({"sinks": [{"file": {"path": "x", "format": "uper"}}]}, [], declarations=[UPPER])


def test_lookups_are_for_enrichers_only() -> None:
    with pytest.raises(ConfigError, match="`lookups` is for enrichers; remove it"):
        run_mozu({"sinks": [{"stdout": {"lookups": {"parallel": 2}}}]})


def test_a_configuration_may_be_yaml_and_have_no_rules() -> None:
    done = run_mozu("evaluators: []", [alert("Ready")])
    assert (done.rules(), done.notices) == (["Ready"], [])


def test_a_clock_that_jumps_makes_no_difference(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULE)
    config = {"enrichers": ["geo"], "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}]}
    done = run_mozu(config, [visit("b")], declarations=[CLIENT, geo(TABLE)], virtual_time=True)
    assert done.rules() == ["Foreign visit"]


def test_an_enricher_answers_for_fields_of_the_core(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("mira:x:1234:1234::/home/mira:/bin/sh\n")
    (tmp_path / "rules.yaml").write_text(
        "- rule: Program\n  desc: D.\n  condition: evt.type = execve and user.name = mira\n"
        '  output: "%user.name %user.homedir"\n  priority: NOTICE\n'
    )
    done = run_mozu(
        {
            "enrichers": [{"users": {"root": str(tmp_path)}}],
            "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}],
        },
        [event("execve", process=process(uid=1234)), event("execve", process=process(uid=1235))],
    )
    assert [one.message() for one in done.alerts] == ["mira /home/mira"]


def of_a_log(tmp_path: Path, source: WaitingVisits, **how: Any) -> MozuRun:
    (tmp_path / "rules.yaml").write_text(RULE)
    whole = {
        "sources": ["log"], "enrichers": ["geo"], "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}],
    }  # fmt: skip
    return run_mozu(whole, declarations=[CLIENT, waiting(source), geo(TABLE, **how)], virtual_time=True)


def test_an_enricher_is_asked_for_events_of_a_source_that_can_wait_before_they_are_acknowledged(tmp_path: Path) -> None:
    log: list[str] = []

    class Noting(WaitingVisits):
        async def ack(self, batch: Any) -> None:
            log.append(f"asked {''.join(made[0].asked)}")
            await super().ack(batch)

    made: list[Geo] = []
    done = of_a_log(tmp_path, Noting("abz", log), made=made)
    assert [one.message() for one in done.alerts] == ["visit of b from FR", "visit"]
    assert log == ["asked a", "ack a", "asked ab", "ack b", "asked abz", "ack z"]


def test_alerts_of_a_source_that_can_wait_say_which_enricher_did_not_answer(tmp_path: Path) -> None:
    done = of_a_log(tmp_path, WaitingVisits("z", []), wrong="resolve raises")
    assert [one.incomplete for one in done.alerts] == [("geo",)]


def test_where_the_input_has_the_answers_no_enricher_is_asked(tmp_path: Path) -> None:
    made: list[Geo] = []
    done = of_a_log(tmp_path, RecordedVisits("a", []), made=made)
    assert (made[0].asked, [one.message() for one in done.alerts]) == ([], ["visit of a from FR"])


class BrokenLog(WaitingVisits):
    """A log that is unreadable."""

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        raise OSError("the log is gone")
        yield []


@pytest.mark.parametrize("beside", [(), ("z",)])
def test_a_source_that_can_wait_and_fails_is_an_alert_and_exit_code_1_also_beside_another_source(
    tmp_path: Path, beside: tuple[str, ...]
) -> None:
    (tmp_path / "rules.yaml").write_text(RULE)
    whole = {
        "sources": ["log"], "enrichers": ["geo"], "evaluators": [{"falco": {"rules": [str(tmp_path / "rules.yaml")]}}],
    }  # fmt: skip
    given, log = [visit(client) for client in beside], waiting(BrokenLog("", []))
    done = run_mozu(whole, given, declarations=[CLIENT, log, geo(TABLE)], virtual_time=True)
    failures = [one.values["error"] for one in done.notices if one.rule == "Source failed"]
    assert (done.code, failures, len(done.alerts)) == (1, ["the log is gone"], len(beside))
