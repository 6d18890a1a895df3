"""The table of docs/rules/detection.md about the acts that raise a rule, and the alerts of ordinary work."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.ground import WorkAlerts
from tests.support.running import Json
from tests.support.triggers.own import HOST
from tests.support.triggers.own_contained import CONTAINED

_PART: Final = re.compile(r"<!-- precision -->\n.*?<!-- end -->", re.DOTALL)


def shares(statistics: Json) -> str:
    """Return a table of the event types of a run: events that the kernel saw, and events judged behind its filter."""
    types: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for source in statistics["sources"].values():
        for name, counts in source["types"].items():
            types[name] += counts["received"]
            seen[name] += counts["seen"]
    total = max(types.total(), 1)
    rows = [
        f"| {name} | {seen[name]:,} | {number:,} | {100 * number / total:.1f} % |"
        for name, number in types.most_common(12)
        if number
    ]
    return "\n".join(["| event type | seen in the kernel | judged | share |", "|---|---|---|---|", *rows])


def write(page: Path, results: Iterable[WorkAlerts], minutes: float, statistics: Json) -> None:
    """Write the tables of this run into the page."""
    done = [result for result in results if result.code >= 0]
    acts = Counter(act.rule for act in HOST) + Counter(act.rule for act in CONTAINED)
    loud = Counter(alert["rule"] for result in done for alert in result.loud)
    every = Counter(alert["rule"] for result in done for alert in result.alerts)
    rows = [
        f"| {entry.id} | {name} | {acts[name]} | {loud[name]} | {every[name] - loud[name]} |"
        for entry in registered()
        if not entry.removed and (acts[name := entry.name] or every[name])
    ]
    number, total = sum(loud.values()), every.total()
    head = (
        f"Written by `make detect`: {len(done)} pieces of work in {minutes:.0f} minutes, {number} alerts at WARNING\n"
        f"or above, {total - number} below. Rules without an act and without an alert are left out.\n\n"
        "| id | rule | acts that raise it | alerts of ordinary work at WARNING and above | below |\n"
        "|---|---|---|---|---|\n"
    )
    text = f"<!-- precision -->\n{head}{chr(10).join(rows)}\n\n{shares(statistics)}\n<!-- end -->"
    page.write_text(_PART.sub(lambda _: text, page.read_text()))
