"""Every scenario agrees, or differs by causes that are documented and known for it."""

from pathlib import Path
from typing import Final

import pytest

from tests.oracle.engine import as_json, run
from tests.oracle.judge import judge
from tests.oracle.report import lines
from tests.oracle.scenario import Scenario, names, scenario
from tests.support.requirements import DATA, corpus, foreign
from tests.support.utc import utc

__all__ = ["utc"]

OWN: Final = names(DATA / "oracle")
PACKS: Final = ("oracle", "oracle2")
"""Folders of the corpus."""
FOREIGN: Final = [(pack, name) for pack in PACKS for name in names(foreign(pack)) if name not in OWN] or [
    ("oracle", "none")
]
"""Scenarios of the corpus whose rules, or whose captures, are other people's."""
DIFFERING: Final = {
    "aexe-etc": {"ancestors-in-lists", "environment-of-one-ancestor"},
    "aname-anyof": {"every-value-of-a-modifier"},
    "empty-tables": {"names-of-the-reading-machine"},
    "err-hexescape": {"hexadecimal-escapes"},
    "err-labeldot": {"dotted-keys-of-labels"},
    "ip-in": {"both-ends-in-lists"},
    "matrix-anyip": {"both-ends-in-lists"},
    "matrix-anynet": {"both-ends-in-lists"},
    "matrix-apid": {"ancestors-in-lists"},
    "fd-special": {"order-of-lists"},
    "net-in": {"both-ends-in-lists"},
    "re-by-name": {"block-devices"},
    "sock-mapped": {"sockets-without-a-name"},
    "tf-concat": {"numbers-from-transformers"},
}
"""Scenario → causes of its differences (docs/rules/falco-compatibility.md). All other scenarios agree entirely."""
_EVERY: Final = 7
"""Divisor: of this many scenarios with Falco's own rules, which are many and large, a single one is run a second time.
"""


def own(name: str) -> Scenario:
    return scenario(DATA / "oracle", DATA / "oracle", name)


def of_corpus(pack: str, name: str) -> Scenario:
    return scenario(corpus(pack), corpus("falco-rules"), name)


def agrees_as_known(judged: Scenario) -> None:
    result = judge(judged)

    assert set(result.causes) == DIFFERING.get(judged.name, set()), "\n".join(lines([result]))


def left_out_costs_no_alert(judged: Scenario) -> None:
    some, every = run(judged), run(judged, everything=True)

    assert as_json(judged, some.alerts) == as_json(judged, every.alerts)


@pytest.mark.parametrize("name", OWN)
def test_a_scenario_agrees_or_differs_by_its_documented_causes(name: str) -> None:
    agrees_as_known(own(name))


@pytest.mark.parametrize("name", OWN)
def test_what_a_source_leaves_out_for_want_of_demand_costs_no_alert(name: str) -> None:
    left_out_costs_no_alert(own(name))


@pytest.mark.corpus
@pytest.mark.parametrize(("pack", "name"), FOREIGN)
def test_a_scenario_of_the_corpus_agrees(pack: str, name: str) -> None:
    agrees_as_known(of_corpus(pack, name))


@pytest.mark.corpus
@pytest.mark.parametrize(("pack", "name"), FOREIGN[::_EVERY])
def test_in_the_corpus_what_a_source_leaves_out_costs_no_alert(pack: str, name: str) -> None:
    left_out_costs_no_alert(of_corpus(pack, name))


def test_scenarios_that_differ_are_there() -> None:
    assert set(DIFFERING) <= set(OWN)


def test_a_folder_without_captures_has_no_scenarios(tmp_path: Path) -> None:
    assert [] == names(tmp_path) == names(None)
