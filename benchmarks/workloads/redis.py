"""Redis under redis-benchmark: 50 connections that each wait for their answer, one kind of command at a time."""

import csv
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.workloads.server import ask, serving
from benchmarks.workloads.workload import Run, Workload, program
from tests.support.ports import free_port

REQUESTS: Final = 150_000
_PROGRAMS: Final = {"redis-server": "redis-server", "redis-benchmark": "redis-tools"}


def read(output: str, test: str) -> Run:
    """Return the result in the output of `redis-benchmark --csv` with one test. Raises ValueError if there is none."""
    unreadable = ValueError(f"redis-benchmark: one row for {test}, numbers above zero, was expected, found {output!r}")
    lines = list(csv.reader(output.splitlines()))
    if len(lines) != 2 or len(lines[0]) != len(lines[1]):
        raise unreadable
    row = dict(zip(*lines, strict=True))
    try:
        rate, p99 = float(row["rps"]), float(row["p99_latency_ms"])
    except (KeyError, ValueError) as error:
        raise unreadable from error
    if row.get("test") != test or not 0 < rate < math.inf or not 0 < p99 < math.inf:
        raise unreadable
    return Run(rate, p99)


def _workload(test: str) -> Workload:
    @contextmanager
    def prepared() -> Iterator[Callable[[], Run]]:
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            server = [
                program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder,
                "--save", "", "--appendonly", "no",
            ]  # fmt: skip
            client = [program("redis-benchmark"), "-h", "127.0.0.1", "-p", str(port), "-c", "50", "--csv"]
            with serving(server, port, Path(folder)):
                ask([*client, "-n", "1000", "-t", "set"])  # so that GET finds what it asks for
                yield lambda: read(ask([*client, "-n", str(REQUESTS), "-t", test.lower()]), test)

    return Workload(f"Redis {test}, 50 connections", "request", _PROGRAMS, prepared)


REDIS: Final = (_workload("SET"), _workload("GET"))
