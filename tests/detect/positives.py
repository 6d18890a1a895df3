"""The table of docs/rules/detection.md about the evidence for each default rule.

    python -m tests.detect.positives docs/rules/detection.md

Its counts of acts are those of tests/e2e/test_every_default_rule.py, test_default_rules_traced.py and
test_default_rules_recorded.py.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry
from mozu.plugins.rules.falco.rule_ids import registered
from mozu.plugins.rules.falco.settings import PACKS
from tests.detect.traced import OF_CONTAINERS, UNSEEN
from tests.plugins.rules.making import context
from tests.support.triggers.own import HOST
from tests.support.triggers.own_contained import CONTAINED

_PART: Final = re.compile(r"<!-- positives -->\n.*?<!-- end of positives -->", re.DOTALL)


class Positives(NamedTuple):
    """The evidence for a rule."""

    id: str
    rule: str
    events: int
    """Count of events given as fields, in the tests beside the rules."""
    on_host: int
    """Count of acts."""
    in_containers: int

    @property
    def under_ptrace(self) -> str:
        """Return how many of the acts are seen, or why none is."""
        if not self.on_host:
            return OF_CONTAINERS
        return UNSEEN.get(self.rule, str(self.on_host))

    @property
    def in_replay(self) -> int:
        """Return the count of acts that the replay of a recording sees: for the host's, a recording of ptrace, or else
        of eBPF; and those of containers."""
        return self.on_host + self.in_containers


def positives() -> list[Positives]:
    """Return the evidence for every rule of the packs."""
    given, host, contained = given_events(), Counter(one.rule for one in HOST), Counter(one.rule for one in CONTAINED)
    return [
        Positives(entry.id, entry.name, given[entry.name], host[entry.name], contained[entry.name])
        for entry in registered()
        if not entry.removed and entry.name in given
    ]


def given_events() -> Counter[str]:
    """Return, by rule, the count of events given as fields that must match it."""
    found: Counter[str] = Counter()
    for file in map(read_tests, find([PACKS])):
        for test in file.tests:
            for rule in test.expected.match:
                found[rule.name] += len(test.events)
    return found


def arms() -> int:
    """Return the count of tests in the conditions of these rules; those of a macro count once."""
    suite = Suite(context().fields, LiveRun(Registry), Plan())
    suite.judged(read_tests(find([PACKS])[0]))
    return len(suite.coverage.arms)


def table() -> str:
    """Return the part of the page between its marks."""
    rows = positives()
    events, acts = sum(row.events for row in rows), sum(row.on_host + row.in_containers for row in rows)
    lines = [
        f"Written by `make docs`: {len(rows)} rules, {events} events given as fields, {acts} acts.",
        f"Each of the {arms()} arms of conditions is seen true and false: `mozu test plugins/rules/packs --coverage`.",
        "",
        "| id | rule | events given as fields | acts under eBPF, host | containers | under ptrace | in replay |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (row.id, row.rule, row.events, row.on_host, row.in_containers, row.under_ptrace, row.in_replay)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(["<!-- positives -->", *lines, "<!-- end of positives -->"])


def written(page: str) -> str:
    """Return the page with the current table."""
    return _PART.sub(lambda _: table(), page)


if __name__ == "__main__":
    _page = Path(sys.argv[1])
    _page.write_text(written(_page.read_text()))
