"""The table of docs/detection.md: what acts raise a rule, and what ordinary work did."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.ground import WorkAlerts
from tests.support.triggers.own import CONTAINED, HOST

_PART: Final = re.compile(r"<!-- precision -->\n.*?<!-- end -->", re.DOTALL)


def write(page: Path, results: Iterable[WorkAlerts], minutes: float) -> None:
    """The page with the table of this run."""
    done = [result for result in results if result.code >= 0]
    acts = Counter(trigger.rule for trigger in (*HOST, *CONTAINED))
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
    text = f"<!-- precision -->\n{head}{chr(10).join(rows)}\n<!-- end -->"
    page.write_text(_PART.sub(lambda _: text, page.read_text()))
