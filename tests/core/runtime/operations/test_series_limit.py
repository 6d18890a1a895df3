"""The number of label values is bounded, whatever names appear."""

from mozu.core.runtime.operations.samples import Sample
from mozu.core.runtime.operations.series_limit import bounded


def test_series_beyond_the_limit_are_added_up() -> None:
    found = bounded([Sample("a_total", {"kind": "sink", "rule": str(n)}, 1) for n in range(1000)], 10)

    assert 11 == len(found)
    assert 1000 == sum(one.value for one in found)
    assert found[-1] == Sample("a_total", {"kind": "sink", "rule": "(others)"}, 990)


def test_the_first_series_keep_their_labels_whatever_comes_later() -> None:
    first = [Sample("a", {"rule": str(n)}, n) for n in range(10)]

    found = bounded([*first, Sample("a", {"rule": "new"}, 7)], 10)

    assert first == found[:10]


def test_long_values_are_shortened_and_stay_apart() -> None:
    found = bounded([Sample("a", {"rule": "x" * 5000 + end}, 1) for end in "12"], 10)

    assert 2 == len(found)
    assert all(len(one.labels["rule"]) <= 200 for one in found)


def test_values_that_are_no_text_become_such() -> None:
    (found,) = bounded([Sample("a", {"rule": "\udcff\x00"}, 1)], 10)

    found.labels["rule"].encode()


def test_two_series_that_come_out_the_same_are_one() -> None:
    assert [Sample("a", {}, 3)] == bounded([Sample("a", {}, 1), Sample("a", {}, 2)], 10)
