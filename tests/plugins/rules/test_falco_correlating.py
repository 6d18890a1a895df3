"""Correlations in the evaluator: alerts over several events, what is demanded for them, their state over a reload."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from mozu.core.api import Alert, Event, Process
from mozu.core.filter.formula import TRUE
from mozu.core.model.fields.read_log import LOG
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from tests.plugins.rules.making import context, executed, opened, process

SECOND = 10**9
KEY = """\
- rule: Key read
  desc: d
  output: "read %fd.name"
  priority: NOTICE
  condition: evt.type = openat and fd.name startswith /keys/
"""
COUNT = """\
- rule: Keys tried
  desc: d
  output: "%correlation.count keys by %proc.name, last %key_read.fd.name"
  priority: WARNING
  correlation: {type: event_count, rules: [Key read], group-by: [proc.pid], timespan: 60s, condition: {gte: 3}}
"""
OFF = "- rule: Key read\n  enabled: false\n  override: {enabled: replace}\n"
SEQUENCE = """\
- rule: Written and run
  desc: d
  output: "%wrote.proc.name wrote %wrote.fd.name, %proc.name ran it"
  priority: WARNING
  correlation:
    type: temporal_ordered
    rules:
      - {name: wrote, condition: evt.type = openat and fd.name startswith /tmp/}
      - {name: ran, condition: evt.type = execve}
    group-by: [file]
    aliases: {file: {wrote: fd.name, ran: proc.exepath}}
    timespan: 60s
"""
WHO = process("cat")


def _evaluator(folder: Path, text: str, **settings: Any) -> FalcoEvaluator:
    file = folder / "rules.yaml"
    file.write_text(text)
    return FalcoEvaluator(FalcoSettings.model_validate({"rules": [str(file)], **settings}), context())


def _opens(count: int, by: Process = WHO, begin: int = 1) -> list[Event]:
    """Return opens of keys, one a second."""
    found: list[Event] = []
    for number in range(begin, begin + count):
        event = opened(by, f"/keys/{number}")
        found.append(msgspec.structs.replace(event, time=event.time + number * SECOND, num=number))
    return found


def _texts(alerts: Iterable[Alert]) -> list[str]:
    return [alert.message() for alert in alerts]


def test_the_event_that_reaches_the_number_raises_an_alert_with_the_numbers_of_all(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF)
    assert evaluator.evaluate(_opens(2)) == []
    (alert,) = evaluator.evaluate(_opens(1, begin=3))
    assert alert.message() == "3 keys by cat, last /keys/3"
    assert (alert.rule, alert.event_num) == ("Keys tried", 3)
    assert alert.values["correlation.events"] == (1, 2, 3)
    assert alert.values["correlation.duration"] == 2 * SECOND


def test_a_rule_that_is_on_alerts_by_itself_too_and_one_that_is_off_only_counts(tmp_path: Path) -> None:
    assert _texts(_evaluator(tmp_path, KEY + COUNT).evaluate(_opens(3))) == [
        "read /keys/1", "read /keys/2", "read /keys/3", "3 keys by cat, last /keys/3",
    ]  # fmt: skip
    assert len(_evaluator(tmp_path, KEY + COUNT + OFF).evaluate(_opens(3))) == 1


def test_a_rule_before_it_that_alerts_first_hides_no_step(tmp_path: Path) -> None:
    first = KEY.replace("Key read", "Any open").replace(" and fd.name startswith /keys/", "")
    found = _evaluator(tmp_path, first + KEY + COUNT).evaluate(_opens(3))
    assert [alert.rule for alert in found] == ["Any open", "Any open", "Any open", "Keys tried"]


def test_processes_count_apart(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF)
    other = process("less", pid=2000)
    assert evaluator.evaluate([*_opens(2), *_opens(2, other)]) == []


def test_the_output_has_the_fields_of_each_step(tmp_path: Path) -> None:
    written = opened(process("curl"), "/tmp/x")
    ran = executed(process("x", exepath="/tmp/x"))
    events = [msgspec.structs.replace(one, num=at) for at, one in enumerate((written, ran), 1)]
    assert _texts(_evaluator(tmp_path, SEQUENCE).evaluate(events)) == ["curl wrote /tmp/x, x ran it"]
    assert _texts(_evaluator(tmp_path, SEQUENCE).evaluate(events[::-1])) == []


def test_the_same_events_raise_the_same_alerts_however_they_are_batched(tmp_path: Path) -> None:
    events = _opens(40)
    whole = _evaluator(tmp_path, KEY + COUNT + OFF).evaluate(events)
    one_by_one = _evaluator(tmp_path, KEY + COUNT + OFF)
    assert whole == [alert for event in events for alert in one_by_one.evaluate([event])]
    assert whole


def test_the_kernel_filter_is_that_of_the_steps_and_nothing_more(tmp_path: Path) -> None:
    alone = _evaluator(tmp_path, KEY).demand().of("syscall")
    counted = _evaluator(tmp_path, KEY + COUNT + OFF).demand().of("syscall")
    assert counted.keys() == alone.keys() == {"openat"}
    assert counted["openat"].predicate == alone["openat"].predicate != TRUE


def test_of_a_step_that_raises_no_alert_only_what_the_correlation_reads_is_demanded(tmp_path: Path) -> None:
    shows = SEQUENCE.replace("%proc.name ran it", "%proc.name ran it in %container.name")
    demand = _evaluator(tmp_path, shows).demand().of("syscall")
    assert "enricher:containers" in demand["execve"].state_dependencies
    assert "enricher:containers" not in demand["openat"].state_dependencies


def test_no_verdict_on_an_event_that_counts_is_remembered(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF)
    quiet = msgspec.structs.replace(opened(WHO, "/etc/x"), num=9)
    LOG.begin()
    evaluator.evaluate([*_opens(1), quiet])
    assert LOG.end() == {1}


def test_a_reload_goes_on_with_what_was_counted_unless_the_rule_has_changed(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF)
    evaluator.evaluate(_opens(2))
    assert len(evaluator.reload().evaluate(_opens(1, begin=3))) == 1
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF)
    evaluator.evaluate(_opens(2))
    (tmp_path / "rules.yaml").write_text((KEY + COUNT + OFF).replace("startswith /keys/", "startswith /keys"))
    assert evaluator.reload().evaluate(_opens(1, begin=3)) == []


def test_the_digest_and_the_readers_of_a_field_know_the_correlation(tmp_path: Path) -> None:
    one, other = (_evaluator(tmp_path, KEY + COUNT.replace("gte: 3", f"gte: {n}")).rules_digest() for n in (3, 4))
    assert one != other
    assert _evaluator(tmp_path, KEY + COUNT).rules_reading("proc.pid") == ["Keys tried"]


def test_evictions_are_counted_and_announced_once(tmp_path: Path, caplog: Any) -> None:
    evaluator = _evaluator(tmp_path, KEY + COUNT + OFF, correlation_groups=4)
    for pid in range(2000, 2009):
        evaluator.evaluate(_opens(1, process("less", pid=pid)))
    counter = evaluator.context.metrics.counter("correlation_evicted_total", rule="Keys tried")
    assert counter.value == 5
    announced = [one for one in caplog.messages if "has all its 4 groups" in one]
    assert 1 <= len(announced) < counter.value


def test_no_condition_of_a_correlation_is_for_the_kernel_to_act_on(tmp_path: Path) -> None:
    kills = COUNT + "  mozu: {respond: kill}\n"
    evaluator = _evaluator(tmp_path, KEY + kills)
    assert evaluator.rule_conditions(lambda head: "kill" in head.respond) == []
