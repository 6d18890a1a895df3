"""The explanation of a rule agrees with the evaluator on every clause, whether the rule matches or not."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import pytest

from mozu.core.errors import MozuError
from mozu.core.language.rules import load, with_static_fields
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from tests.oracle.engine import EVERYTHING, capture_of, judged, registry
from tests.oracle.nodes import JudgedNodes, NodeJudge
from tests.oracle.scenario import Scenario
from tests.oracle.test_oracle import FOREIGN, OWN, of_corpus, own
from tests.support.requirements import foreign

_AT_A_TIME: Final = 20
"""Number of scenarios for which the rules are compiled once."""


def _with_the_same_rules() -> dict[str, list[tuple[str, str]]]:
    """Return scenarios of the corpus that share rule files and settings, in groups, under the name of the first."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pack, name in FOREIGN if foreign() is not None else ():
        scenario = of_corpus(pack, name)
        groups[f"{scenario.rules} {scenario.settings}"].append((pack, name))
    parts = [found[at : at + _AT_A_TIME] for found in groups.values() for at in range(0, len(found), _AT_A_TIME)]
    return {" ".join(part[0]): part for part in parts} or {"none": [("oracle", "none")]}


SHARING: Final = _with_the_same_rules()


def judged_nodes(scenarios: Iterable[Scenario]) -> JudgedNodes:
    """Judge scenarios that share their rules. A broken capture is judged up to the break."""
    judge: NodeJudge | None = None
    metadata: RecordingMetadata | None = None
    for scenario in scenarios:
        if judge is None:
            fields = registry(scenario)
        fields.lookups.hosts = scenario.hosts
        source, metadata = capture_of(scenario, fields, metadata)
        if judge is None:
            known = with_static_fields(fields, scenario.settings.get("static_fields", {}))
            judge = NodeJudge(load(scenario.rules, known).rules, known)
        try:
            asyncio.run(judged(source, judge, EVERYTHING, []))
        except MozuError:
            assert scenario.expected is None
    assert judge is not None
    return judge.result


@pytest.mark.parametrize("name", OWN)
def test_every_clause_agrees_with_the_evaluator(name: str) -> None:
    assert judged_nodes([own(name)]).differing == []


@pytest.mark.corpus
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", SHARING)
def test_in_the_corpus_every_clause_agrees_with_the_evaluator(group: str) -> None:
    result = judged_nodes(of_corpus(pack, name) for pack, name in SHARING[group])

    assert result.differing == []


def test_rules_that_match_and_rules_that_do_not_are_among_them() -> None:
    result = judged_nodes([own("aname-anyof")])

    assert result.matches
    assert result.misses
