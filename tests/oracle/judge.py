"""Judgement of a scenario: its differences from the expectation, each with its documented cause."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Set
from contextlib import suppress

from msgspec.structs import replace

from mozu.core.errors import MozuError
from mozu.core.language.rules import with_static_fields
from mozu.core.model.alert import Alert
from tests.oracle.causes import Case, causes_of
from tests.oracle.compare import REFUSED, Difference, compare
from tests.oracle.engine import EVERYTHING, Run, as_json, as_text, capture_of, evaluator, judged, registry, run
from tests.oracle.readings import ReadingJudge
from tests.oracle.report import Result
from tests.oracle.scenario import Scenario


def judge(scenario: Scenario) -> Result:
    """Run the scenario and compare its alerts with the expected ones."""
    done = run(scenario)
    differences = _differences(scenario, done)
    case = _case(scenario, done)
    if any(difference.level == 0 and difference.key == "" for difference in differences):
        case = replace(case, read=_read_as_falco(scenario))
    return Result(scenario.name, scenario.theme, tuple(differences), causes_of(differences, case))


def _read_as_falco(scenario: Scenario) -> Mapping[tuple[str, str], Set[str]]:
    """Return (cause, rule) → times at which the rule matches if Falco's oddities change its condition."""
    fields = registry(scenario)
    source, _ = capture_of(scenario, fields)
    known = with_static_fields(fields, scenario.settings.get("static_fields", {}))
    reading = ReadingJudge(evaluator(scenario, fields).rules, known)
    with suppress(MozuError):  # a damaged capture: the run before has reported it
        asyncio.run(judged(source, reading, EVERYTHING, []))
    return reading.times


def _case(scenario: Scenario, done: Run) -> Case:
    alerts: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert, document in zip(done.alerts, as_json(scenario, done.alerts), strict=True):
        alerts[alert.rule, document["time"]].append(alert)
    return Case(
        rules={rule.name: rule for rule in done.rules},
        rules_text="\n".join(path.read_text(errors="replace") for path in scenario.rules),
        alerts=alerts,
        lists_users=done.lists_users,
    )


def _differences(scenario: Scenario, done: Run) -> list[Difference]:
    if scenario.expected is None:
        if done.error and not done.alerts:
            return []
        found = f"{len(done.alerts)} alerts, {done.error!r}"
        return [Difference(0, "(run)", "its end", "status", REFUSED, found)]
    if scenario.text is not None:
        said = as_text(scenario, done.alerts)
        return [] if said == scenario.text else [Difference(1, "(run)", "", "text", scenario.text, said)]
    differences = compare(scenario.expected, as_json(scenario, done.alerts))
    if done.error:
        differences.append(Difference(0, "(run)", "its end", "status", "", done.error))
    return differences
