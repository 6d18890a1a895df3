"""Samples as text, in both formats."""

import math

import pytest

from mozu.core.runtime.operations.exposition import metric_name, text, wants_openmetrics
from mozu.core.runtime.operations.samples import Sample


def lines(*samples: Sample, openmetrics: bool = False) -> list[str]:
    return text(samples, lambda name: f"Help of {name}.", openmetrics=openmetrics).decode().splitlines()


def test_a_counter_and_a_gauge_with_their_help_and_type() -> None:
    found = lines(Sample("a_total", {"x": "1"}, 3), Sample("a_total", {"x": "2"}, 4), Sample("b", {}, 0.5))

    assert found == [
        "# HELP a_total Help of a_total.",
        "# TYPE a_total counter",
        'a_total{x="1"} 3',
        'a_total{x="2"} 4',
        "# HELP b Help of b.",
        "# TYPE b gauge",
        "b 0.5",
    ]


def test_openmetrics_names_the_family_of_a_counter_without_its_suffix_and_ends_in_eof() -> None:
    found = lines(Sample("a_total", {}, 3), openmetrics=True)

    assert found == ["# HELP a Help of a_total.", "# TYPE a counter", "a_total 3", "# EOF"]


def test_what_a_rule_is_called_cannot_end_its_label() -> None:
    (_, _, found) = lines(Sample("a_total", {"rule": 'x"} 1\nmozu_a_total{rule="\\'}, 1))

    assert found == 'a_total{rule="x\\"} 1\\nmozu_a_total{rule=\\"\\\\"} 1'


def test_names_of_plugins_become_names_that_the_formats_allow() -> None:
    names = {"acme.queue-size": "acme_queue_size", "9lives": "_9lives", "é": "_"}
    assert list(names.values()) == [metric_name(name) for name in names]
    (_, _, found) = lines(Sample("a", {"a-b": "1", "__name__": "2", "": "3"}, 1))
    assert 'a{a_b="1",label="3",name__="2"} 1' == found


@pytest.mark.parametrize(
    ("value", "written"),
    [(math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (1e21, "1e+21"), (2.0, "2"), (0.1, "0.1")],
)
def test_numbers_are_written_as_the_formats_want_them(value: float, written: str) -> None:
    assert f"a {written}" == lines(Sample("a", {}, value))[-1]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5", True),
        ("application/openmetrics-text;q=0, text/plain", False),
        ("application/openmetrics-text;q=0.75", True),
    ],
)
def test_the_header_accept_chooses_the_format(accept: str, expected: bool) -> None:
    assert expected == wants_openmetrics(accept)
