"""Output of `redis-benchmark --csv` 7.0.15, and output that is no result."""

import pytest

from benchmarks.workloads.redis import read
from benchmarks.workloads.workload import Run

_HEAD = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
    '"max_latency_ms"\n'
)
_SET = '"SET","28571.43","1.140","0.344","0.879","2.431","5.319","5.487"\n'
_GET = '"GET","23337.22","1.589","0.120","0.719","6.447","8.279","13.719"\n'


def test_requests_a_second_and_the_99th_percentile_are_read() -> None:
    assert Run(28571.43, 5.319) == read(_HEAD + _SET, "SET")
    assert Run(23337.22, 8.279) == read(_HEAD + _GET, "GET")


@pytest.mark.parametrize(
    "output",
    [
        "",
        _HEAD,
        _GET,
        _HEAD + _SET,
        _HEAD + _SET + _GET,
        _HEAD + _GET + _GET,
        _HEAD + '"GET","23337.22"\n',
        _HEAD + _GET.replace("8.279", "nan"),
        _HEAD + _GET.replace("8.279", "0.000"),
        _HEAD + _GET.replace("23337.22", "inf"),
        _HEAD + _GET.replace("23337.22", ""),
        _HEAD.replace("p99", "p98") + _GET,
        _HEAD.replace("test", "name") + _GET,
        "WARNING: Could not fetch server CONFIG\n" + _HEAD + _GET,
    ],
)
def test_anything_but_the_one_row_that_was_asked_for_is_an_error(output: str) -> None:
    with pytest.raises(ValueError, match="redis-benchmark: one row for GET"):
        read(output, "GET")
