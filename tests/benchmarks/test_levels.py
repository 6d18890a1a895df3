from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.levels import LEVELS, NOTHING, STABLE, has_time, one_round, rows
from benchmarks.live import Timed
from benchmarks.workloads.workload import Run


def test_a_row_is_the_median_of_what_a_level_took_beyond_falcos_rules_in_the_same_round() -> None:
    def one(cpu: float) -> dict[str, dict[str, Timed]]:
        found = {name: Timed(Run(100), 2.0) for name in (STABLE, NOTHING, *LEVELS)}
        return {"nginx": {**found, "medium": Timed(Run(50), cpu)}}

    assert [
        "| nginx | low | +0.0 % (+0.0 … +0.0) | 1.000 | 3 |",
        "| nginx | medium | +10.0 % (-50.0 … +50.0) | 0.500 | 3 |",
        "| nginx | paranoid | +0.0 % (+0.0 … +0.0) | 1.000 | 3 |",
        "| nginx | nothing watches | +0.0 % (+0.0 … +0.0) | 1.000 | 3 |",
    ] == rows([one(1.0), one(3.0), one(2.2)])


def test_in_a_round_every_workload_runs_under_each_monitor() -> None:
    watching: list[str] = []
    seen: list[tuple[str, ...]] = []

    @contextmanager
    def watch(name: str) -> Iterator[None]:
        watching.append(name)
        yield
        watching.remove(name)

    def run() -> Run:
        seen.append(tuple(watching))
        return Run(1)

    found = one_round({"a": run, "b": run}, {"x": lambda: watch("x"), "y": lambda: watch("y")})
    assert {"a": {"x", "y"}, "b": {"x", "y"}} == {workload: set(its) for workload, its in found.items()}
    assert [("x",), ("x",), ("y",), ("y",)] == sorted(seen)


@pytest.mark.parametrize(
    ("ends", "fits"),
    [([], True), ([301.0], False), ([300.0], True), ([200.0, 400.0], True), ([200.0, 401.0], False), ([600.0], False)],
)
def test_a_round_begins_only_if_one_as_long_as_the_longest_ends_in_time(ends: list[float], fits: bool) -> None:
    """The first round begins in any case."""
    assert fits is has_time(ends, 600.0)
