"""The table of docs/rules/detection.md: Atomic Red Team's tests under mozu's own rules.

    python -m tests.detect.atomics TREE docs/rules/detection.md [--open] [--only T1003] [--lines FILE]

Runs as root, with MOZU_CORPUS set. TREE is a Debian root directory with the programs that tests start and an ordinary
user `ann` (uid 1000) who may sudo; nothing in it changes.
"""

import argparse
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final, NamedTuple

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.atomics.catalogue import FOLDER, TACTICS, Atomic, atomics
from tests.detect.atomics.stage import PARENT, Performed, perform
from tests.detect.attribution import FIELDS
from tests.support.running import Json, mozu_run
from tests.support.stage import rules_amid_builds

_PART: Final = re.compile(r"<!-- atomics -->\n.*?<!-- end of atomics -->", re.DOTALL)
_LEVELS: Final = ("low", "medium", "paranoid")
_MARK: Final = "mozu-atomics-end"
_MARKS: Final = 5
"""Attempts to make the mark before it is given up."""
_AT_ONCE: Final = 4
"""Count of tests that run at the same time."""


class Result(NamedTuple):
    """A test, and the rules that it raised."""

    atomic: Atomic
    performed: Performed
    rules: Mapping[str, str]
    """Rule's id → level, of rules with the right meaning."""
    others: Mapping[str, str]
    """Rule's id → level, of rules with another meaning."""
    outputs: list[str]
    """Texts of all alerts."""

    def is_seen(self, level: str) -> bool:
        """Return True if a rule with the right meaning that is on at this level was raised."""
        return any(_LEVELS.index(one) <= _LEVELS.index(level) for one in self.rules.values())


def main() -> None:
    """Perform the tests, print those that are not set aside, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("page", type=Path, nargs="?")
    parser.add_argument("--open", action="store_true", help="only tests that are not set aside")
    parser.add_argument("--only", default="", help="only tests whose technique or GUID begins with this")
    parser.add_argument("--lines", type=Path, help="a file for each test that is not set aside, a JSON text a line")
    options = parser.parse_args()
    chosen = [one for one in atomics() if one.technique.startswith(options.only) or one.guid.startswith(options.only)]
    results = measured([one for one in chosen if not (options.open and one.set_aside)], options.tree.resolve())
    for result in results:
        if not result.atomic.set_aside:
            _print(result)
    if options.lines is not None:
        options.lines.write_text("".join(_line(one) for one in results if not one.atomic.set_aside))
    text = table(results)
    print(text)
    if options.page is not None:
        page = f"<!-- atomics -->\n{text}<!-- end of atomics -->"
        options.page.write_text(_PART.sub(lambda _: page, options.page.read_text()))


def measured(chosen: Sequence[Atomic], tree: Path) -> list[Result]:
    """Perform the tests under one run of mozu with every rule on."""
    with TemporaryDirectory(prefix="mozu-atomics-") as name:
        folder = Path(name)
        settings = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
        for setting in ("level=paranoid", "rule_matching=all"):
            settings += ["-o", f"evaluators.falco.{setting}"]
        with mozu_run(folder, *settings, *FIELDS, "-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}") as mozu:
            with ThreadPoolExecutor(_AT_ONCE) as pool:  # tests spend most of the time waiting
                done = list(pool.map(lambda one: perform(one, tree, FOLDER, Path(mkdtemp(dir=folder))), chosen))
            for _ in range(_MARKS):
                subprocess.run(["sh", "-c", f"cat /etc/shadow > /dev/null; : {_MARK}"], check=True)
                with suppress(AssertionError):  # mozu is behind on a machine with other work
                    mozu.wait_alert(lambda alert: _MARK in str(alert["output_fields"].get("proc.pcmdline")), _MARK)
                    break
            mozu.stop()
            mozu.close()
            raised = _raised(mozu.alerts)
    return [_result(atomic, one, raised[atomic.guid]) for atomic, one in zip(chosen, done, strict=True)]


def table(results: Iterable[Result]) -> str:
    """Return a row for each tactic: rates at each level, of the tests that rules were written for and of those set
    aside."""
    performed = [one for one in results if not one.performed.reason]
    lines = [
        "| tactic | tests | low | medium | paranoid | set aside | low | medium | paranoid |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for tactic in (*TACTICS, ""):
        cells = []
        for aside in (False, True):
            these = [one for one in performed if one.atomic.set_aside == aside and tactic in ("", one.atomic.tactic)]
            seen = [sum(one.is_seen(level) for one in these) for level in _LEVELS]
            cells += [str(len(these)), *(f"{100 * each / len(these):.0f} %" if these else "" for each in seen)]
        lines.append(f"| {tactic.replace('_', ' ') or 'all'} | {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def _raised(alerts: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    for alert in alerts:
        if named := re.search(rf"/{PARENT}/([0-9a-f-]+)", str(alert["output_fields"].get("thread.cgroups"))):
            found[named[1]].append(alert)
    return found


def _result(atomic: Atomic, performed: Performed, alerts: Sequence[Json]) -> Result:
    ids = {entry.name: entry.id for entry in registered() if not entry.removed}
    parts: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for alert in alerts:
        tags = frozenset(alert["tags"])
        level = next(level for level in _LEVELS if f"level_{level}" in tags)
        rule = ids[alert["rule"]]
        parts[not atomic.is_meant_by(rule, tags)][rule] = level
    return Result(atomic, performed, *parts, [alert["output"] for alert in alerts])


def _print(result: Result) -> None:
    atomic = result.atomic
    print(
        f"{atomic.technique} {atomic.guid[:8]} {atomic.name}: "
        + (result.performed.reason or f"{dict(result.rules)} beside {dict(result.others)}")
    )


def _line(result: Result) -> str:
    atomic, (reason, said) = result.atomic, result.performed
    rules = {"rules": dict(result.rules), "others": dict(result.others), "outputs": result.outputs}
    head = {"technique": atomic.technique, "guid": atomic.guid, "tactic": atomic.tactic, "name": atomic.name}
    return f"{json.dumps(head | rules | {'reason': reason, 'said': said})}\n"


if __name__ == "__main__":
    main()
