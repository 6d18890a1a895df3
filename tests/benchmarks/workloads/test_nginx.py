"""Output of `wrk --latency` 4.1.0, and output that is no result."""

import pytest

from benchmarks.workloads.nginx import read
from benchmarks.workloads.workload import Run

_ANSWERED = """\
Running 3s test @ http://127.0.0.1:57847/page.html
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.50ms    1.91ms  15.91ms   79.42%
    Req/Sec    13.97k     4.36k   21.59k    63.33%
  Latency Distribution
     50%    1.70ms
     75%    3.15ms
     90%    5.16ms
     99%    9.13ms
  41777 requests in 3.01s, 33.39MB read
Requests/sec:  13866.86
Transfer/sec:     11.08MB
"""
_NOT_FOUND = """\
Running 1s test @ http://127.0.0.1:17779/missing.html
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.13ms    1.52ms  15.87ms   94.08%
    Req/Sec    35.55k     8.49k   42.61k    90.00%
  Latency Distribution
     50%  800.00us
     75%    1.00ms
     90%    1.33ms
     99%    9.27ms
  35402 requests in 1.00s, 10.40MB read
  Non-2xx or 3xx responses: 35402
Requests/sec:  35374.23
Transfer/sec:     10.39MB
"""
_HUNG_UP = """\
Running 1s test @ http://127.0.0.1:34603/
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.00us    0.00us   0.00us    -nan%
    Req/Sec     0.00      0.00     0.00      -nan%
  Latency Distribution
     50%    0.00us
     75%    0.00us
     90%    0.00us
     99%    0.00us
  0 requests in 1.10s, 0.00B read
  Socket errors: connect 0, read 9116, write 0, timeout 0
Requests/sec:      0.00
Transfer/sec:       0.00B
"""


def test_requests_a_second_and_the_99th_percentile_are_read() -> None:
    assert Run(13866.86, 9.13) == read(_ANSWERED)


@pytest.mark.parametrize(("reported", "milliseconds"), [("800.00us", 0.8), ("1.27s", 1270.0), ("1.50m", 90_000.0)])
def test_the_99th_percentile_is_read_in_every_unit(reported: str, milliseconds: float) -> None:
    assert pytest.approx(milliseconds) == read(_ANSWERED.replace("9.13ms", reported)).p99


@pytest.mark.parametrize(
    ("output", "found"),
    [(_NOT_FOUND, "Non-2xx or 3xx responses: 35402"), (_HUNG_UP, "Socket errors: connect 0, read 9116")],
)
def test_a_run_with_failed_requests_is_an_error(output: str, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        read(output)


@pytest.mark.parametrize(
    "output",
    [
        "",
        _ANSWERED + _ANSWERED,
        _ANSWERED.replace("     99%    9.13ms\n", ""),
        _ANSWERED.replace("9.13ms", "9.13"),
        _ANSWERED.replace("9.13ms", "nan"),
        _ANSWERED.replace("9.13ms", "0.00us"),
        _ANSWERED.replace("13866.86", "0.00"),
        _ANSWERED.replace("13866.86", "-nan"),
        _ANSWERED.replace("Requests/sec", "Requests"),
    ],
)
def test_anything_but_both_numbers_above_zero_is_an_error(output: str) -> None:
    with pytest.raises(ValueError, match=r"^wrk: .* expected"):
        read(output)
