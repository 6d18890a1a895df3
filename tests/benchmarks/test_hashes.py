"""The benchmark of hashes: the origin of its table's values."""

from pathlib import Path

import pytest

from benchmarks.hashes import Turn, build, rows
from tests.support.requirements import program


def test_a_ratio_is_of_the_same_round() -> None:
    slow, fast = Turn(20.0, 0.2, 2.0, 4.0, 30.0), Turn(10.0, 0.1, 1.0, 2.0, 15.0)
    table = rows([{"no hash": slow, "every hash": slow}, {"no hash": fast, "every hash": fast._replace(build=11.0)}])

    assert "| | no hash | every hash |" == table[0]
    assert "| CPU of a build | 15.00 s (10.00 … 20.00) | 15.50 s (11.00 … 20.00) |" in table
    assert "| … as a ratio, in one round | 1 | 1.050 (1.000 … 1.100) |" == table[3]
    assert "| CPU of mozu, of the build's | 1.00 % (1.00 … 1.00) | 0.95 % (0.91 … 1.00) |" in table


@pytest.mark.live
def test_the_cpu_of_a_build_is_that_of_the_compilers_it_starts(tmp_path: Path) -> None:
    program("gcc")
    assert 0.0 < build(tmp_path, 1) < 60.0
    assert (tmp_path / "build/program").exists()
