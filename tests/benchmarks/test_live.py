import os
import subprocess
import sys
from pathlib import Path

from benchmarks.live import Pair, Timed, busy, monitors, parsed, row
from benchmarks.monitor import Usage
from benchmarks.workloads.redis import REDIS
from benchmarks.workloads.workload import Run
from tests.support.requirements import ROOT


def test_a_row_shows_median_least_and_most_of_the_pairs() -> None:
    usage = Usage(cpu=1.5, rss=200.4, lost=1000)
    pairs = [
        Pair(Timed(Run(40_000, 2.0), 2e-5), Timed(Run(20_000, 3.0), 3e-5), usage),
        Pair(Timed(Run(50_000, 1.0), 1e-5), Timed(Run(40_000, 1.5), 2e-5), usage),
        Pair(Timed(Run(60_000, 4.0), 4e-5), Timed(Run(60_000, 8.0), 4e-5), usage),
    ]
    cells = [
        "Redis SET, 50 connections",
        "mozu",
        "50,000 requests/s",
        "+5,000 ns/request (+0 … +25,000)",
        "+25.0 % (+0.0 … +100.0)",
        "0.800 (0.500 … 1.000)",
        "1.500 (1.000 … 2.000)",
        "2.00 ms",
        "1.50 (1.50 … 2.00)",
        "1.50 s",
        "200 MiB",
        "1,000",
    ]
    assert cells == row(REDIS[0], "mozu", pairs).strip("| ").split(" | ")


def test_processors_work_in_what_is_neither_idle_nor_waiting_nor_taken_away(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 20 300 9999 9999 4 6 9999 9999 9999\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert busy(tmp_path / "stat") == 430 / os.sysconf("SC_CLK_TCK")


def test_a_workload_without_latencies_has_none_in_its_row() -> None:
    cells = row(REDIS[0], "other", [Pair(Timed(Run(10), 1), Timed(Run(5), 2), Usage(lost=-1))]).strip("| ").split(" | ")
    added = cells[3].split(" (")[0].lstrip("+")
    assert ["100.00 ms/request", "–", "–", "not reported"] == [added, *cells[7:9], cells[-1]]


def test_every_set_of_rules_is_watched_with_and_without_the_32_bit_watch() -> None:
    options = parsed(["--rules", "a.yaml", "--rules", "a.yaml", "b.yaml", "--compat32", "both", "--other", "/bin/cat"])
    names = [
        "mozu, a.yaml, 32-bit watch on",
        "mozu, a.yaml, 32-bit watch off",
        "mozu, 2 rule files, 32-bit watch on",
        "mozu, 2 rule files, 32-bit watch off",
        "cat",
    ]
    found = monitors(options)
    assert names == [monitor.name for monitor in found]
    command = found[3].command(Path("stats"))
    assert ["-r", "a.yaml", "-r", "b.yaml", "-o", "sources=[ebpf: {compat32: off}]"] == command[command.index("-r") :]


def test_without_options_mozu_is_as_it_is_by_default() -> None:
    (found,) = monitors(parsed([]))
    assert ("mozu", "stats") == (found.name, found.command(Path("stats"))[-1])


def test_programs_that_are_missing_are_reported_by_their_packages_before_anything_runs(tmp_path: Path) -> None:
    code = (
        "import benchmarks.workloads.workload as workload\n"
        f"workload.PATH = {str(tmp_path)!r}\n"
        "import benchmarks.live\n"
        "benchmarks.live.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--only", "Redis", "--only", "nginx"], cwd=ROOT, capture_output=True, text=True
    )
    packages = "nginx-light redis-server redis-tools wrk"
    expected = f"programs of these workloads are not installed: apt-get install {packages}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)
