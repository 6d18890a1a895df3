"""Falco's reading of a condition by each cause excuses no other difference of the same field."""

import pytest
from msgspec.structs import replace

from mozu.core.language.conditions import parse, unparse
from tests.oracle.judge import judge
from tests.oracle.readings import READINGS, as_falco_reads
from tests.oracle.test_oracle import DIFFERING, own


@pytest.mark.parametrize(
    ("condition", "cause", "expected"),
    [
        ("fd.ip in (1.2.3.4, 1.2.3.5)", "both-ends-in-lists", "evt.num = 0"),
        ("fd.net intersects (1.2.3.0/24)", "both-ends-in-lists", "evt.num = 0"),
        ("fd.net in (1.2.3.0/24, 1.2.4.0/24)", "both-ends-in-lists", "fd.net in (1.2.3.0/24)"),
        ("not (evt.num > 1 and fd.ip in (::1))", "both-ends-in-lists", "not (evt.num > 1 and evt.num = 0)"),
        ("proc.apid in (1, 2) or proc.name = a", "ancestors-in-lists", "evt.num = 0 or proc.name = a"),
        ("proc.aname = anyof (a, b)", "every-value-of-a-modifier", "proc.aname = anyof (a)"),
        ("fd.port != allof (1, 2)", "every-value-of-a-modifier", "fd.port != allof (1)"),
        ("proc.aenv[2] contains A", "environment-of-one-ancestor", "proc.aenv contains A"),
        ("evt.arg.mode contains S_IFBLK", "block-devices", "evt.num = 0"),
    ],
)
def test_a_condition_as_falco_reads_it(condition: str, cause: str, expected: str) -> None:
    for name, reading in READINGS.items():
        read = as_falco_reads(parse(condition), reading)
        assert (read and unparse(read)) == (expected if name == cause else None)


@pytest.mark.parametrize(
    "condition",
    [
        "fd.ip = 1.2.3.4", "fd.sip in (1.2.3.4)", "fd.snet in (1.2.3.0/24)", "proc.apid = 1", "proc.apid[1] = 1",
        "proc.aname in (a, b)", "proc.aname[1] = anyof (a, b)", "proc.name = anyof (a, b)", "proc.aenv contains A",
        "proc.aenv[HOME] = /", "proc.env[A] = b", "evt.arg.mode contains S_IFCHR", "proc.name contains S_IFBLK",
    ],
)  # fmt: skip
def test_what_falco_means_the_same_by_is_read_by_no_cause(condition: str) -> None:
    assert [as_falco_reads(parse(condition), reading) for reading in READINGS.values()] == [None] * len(READINGS)


@pytest.mark.parametrize("name", [name for name, causes in DIFFERING.items() if causes & set(READINGS)])
def test_another_verdict_of_the_same_rules_shows(name: str) -> None:
    """Remove from each rule in turn an alert on which both agree."""
    scenario = own(name)
    differing = {(one.rule, one.at) for one in judge(scenario).differences}
    agreed = {one["rule"]: one for one in scenario.expected or () if (one["rule"], one["time"]) not in differing}
    assert agreed
    for rule, alert in agreed.items():
        fewer = replace(scenario, expected=tuple(one for one in scenario.expected or () if one is not alert))
        assert "" in judge(fewer).causes, rule
