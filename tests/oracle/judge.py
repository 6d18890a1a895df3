"""One scenario, judged: what differs from the expectation, and for which documented cause."""

from mozu.core.alert import Alert
from tests.oracle.causes import cause_of
from tests.oracle.compare import Difference, compare
from tests.oracle.engine import as_json, as_text, run
from tests.oracle.report import Result
from tests.oracle.scenario import Scenario


def judge(scenario: Scenario) -> Result:
    """Run it and compare."""
    alerts, error = run(scenario)
    differences = _differences(scenario, alerts, error)
    causes = tuple(cause_of(difference, scenario) for difference in differences)
    return Result(scenario.name, scenario.theme, tuple(differences), causes)


def _differences(scenario: Scenario, alerts: list[Alert], error: str) -> list[Difference]:
    if scenario.expected is None:
        if error and not alerts:
            return []
        found = f"{len(alerts)} alerts, {error!r}"
        return [Difference(0, "(run)", "its end", "status", "an error and no alert", found)]
    if scenario.text is not None:
        said = as_text(scenario, alerts)
        return [] if said == scenario.text else [Difference(1, "(run)", "", "text", scenario.text, said)]
    differences = compare(scenario.expected, as_json(scenario, alerts))
    if error:
        differences.append(Difference(0, "(run)", "its end", "status", "", error))
    return differences
