"""Test if a flood blinds only itself: reads of /etc/shadow by root beside others that flood mozu with wanted events.

    python -m benchmarks.floods [--only NAME] [--seconds 10] [--reads 200] [--mozu PYTHON]

Every flood is one of user `nobody`. A row: the alerts that came of the reads, the events that were lost, and whom mozu
calls a flood; then the alerts that came of the opens of 500 other processes. The last rows are of programs that work
hard and flood nothing, while each of their opens, connections, processes and files made or removed must be judged by
mozu. `--mozu` measures another checkout, by the Python of its environment.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.kafka import plain_consumer, plain_producer
from benchmarks.workloads.calls import BUILD
from tests.support.kafka.cluster import cluster
from tests.support.kafka.console import create

_SOURCE: Final = Path(__file__).parent / "workloads" / "floods.c"
NOBODY: Final = 65534
RULES: Final = """
- rule: Shadow read
  desc: For the measurement.
  condition: evt.type in (open, openat) and fd.name = /etc/shadow and user.uid = 0 and proc.name = {reader}
  output: read by %proc.pid
  priority: NOTICE
- rule: Judged in user space
  desc: The kernel cannot tell, and no event matches.
  condition: evt.type in (open, openat) and fd.name startswith {folder} and proc.aname[7] = no-such-program
  output: never
  priority: NOTICE
- rule: Counted
  desc: Every open of this file.
  condition: evt.type in (open, openat) and fd.name = {folder}/counted
  output: counted %proc.pid
  priority: NOTICE
"""
HONEST: Final = """
- rule: Judged in user space
  desc: The kernel cannot tell, and no event matches.
  condition: >
    evt.type in (open, openat, openat2, creat, execve, connect, accept4, unlink, unlinkat, rename, renameat, mkdir)
    and proc.aname[7] = no-such-program
  output: never
  priority: NOTICE
"""


def own_name() -> str:
    """The process that reads has it from now on, and no other: by its number instead, no two processes that flood would
    have equal verdicts."""
    name = f"reads-{os.getpid()}"
    Path("/proc/self/comm").write_text(name)
    return name


class Flood(NamedTuple):
    """Arguments of floods.c, which stand for the paths with braces."""

    name: str
    arguments: tuple[str, ...]


FLOODS: Final = (
    Flood("opens, 1 process", ("open", "{wanted}", "1")),
    Flood("opens, 2 processes", ("open", "{wanted}", "2")),
    Flood("opens, 50 processes", ("open", "{wanted}", "50")),
    Flood("opens, 50 processes in a session each", ("sessions", "{wanted}", "50")),
    Flood("opens of a path that is not plain, 2 processes", ("open", "{rough}", "2")),
    Flood("opens of /etc/shadow, 2 processes", ("open", "/etc/shadow", "2")),
    Flood("a process that forks", ("fork", "{wanted}", "2")),
    Flood("100,000 short processes", ("short", "{wanted}", "100000")),
)


class Found(NamedTuple):
    """The result of a run."""

    alerts: Counter[str]
    """Number of alerts by rule."""
    floods: list[dict[str, Any]]
    """Output fields of the notices `Event flood`."""
    lost: int
    over_share: int


class Mozu:
    """`mozu run` whose alerts go into a file."""

    def __init__(self, folder: Path, python: str, ring_size: int | None, rules: str) -> None:
        self.folder = folder
        (folder / "rules.yaml").write_text(rules.format(folder=folder, reader=own_name()))
        sink = f"file: {{format: json, path: {folder}/alerts.jsonl}}"
        ring = "" if ring_size is None else f", source: {{ebpf: {{ring_size: {ring_size}}}}}"
        config = f"sources: [syscalls: {{fallback: none{ring}}}]\nenrichers: []\nsinks:\n  - {sink}\n"
        (folder / "mozu.yaml").write_text(config)
        self.process = subprocess.Popen(
            [python, "-m", "mozu", "run", "-c", f"{folder}/mozu.yaml", "-r", f"{folder}/rules.yaml",
             "--stats", f"{folder}/stats"],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        if not any("watching" in line for line in self.process.stderr):
            raise SystemExit("mozu did not start")

    def stop(self) -> Found:
        """End it."""
        self.process.terminate()
        self.process.communicate()
        lines = map(json.loads, (self.folder / "alerts.jsonl").read_text().splitlines())
        alerts, floods = Counter[str](), []
        lost = over_share = 0
        for line in lines:
            alerts[line["rule"]] += 1
            if line["rule"] == "Event flood":
                floods.append(line["output_fields"])
            if line["rule"] == "Events lost":
                lost += line["output_fields"]["lost"]
                over_share += line["output_fields"].get("over_share", 0)
        return Found(alerts, floods, lost, over_share)


@contextmanager
def site(python: str, ring_size: int | None = None, rules: str = RULES) -> Iterator[tuple[Mozu, Path]]:
    """mozu that watches, and the program that floods."""
    with tempfile.TemporaryDirectory(prefix="mozu-floods-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        for name in ("wanted", "counted"):
            (folder / name).touch()
        subprocess.run(["gcc", "-O2", "-o", folder / "floods", _SOURCE], check=True)
        yield Mozu(folder, python, ring_size, rules), folder / "floods"


@contextmanager
def flooding(program: Path, flood: Sequence[str], uid: int = NOBODY) -> Iterator["subprocess.Popen[str]"]:
    """While it goes on."""
    folder = program.parent
    kind, path, *rest = (part.format(wanted=folder / "wanted", rough=f"{folder}/./wanted") for part in flood)
    process = subprocess.Popen(
        [program, kind, str(uid), path, *rest], start_new_session=True, stdout=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read_shadow(reads: int, seconds: float) -> None:
    """Read /etc/shadow this many times in this many seconds."""
    for _ in range(reads):
        os.close(os.open("/etc/shadow", os.O_RDONLY))
        time.sleep(seconds / reads)  # the rate that is measured


def survive(flood: Flood, *, seconds: float, reads: int, python: str = sys.executable) -> Found:
    """The reads while the flood goes on; it began a second before."""
    with site(python) as (mozu, program), flooding(program, flood.arguments):
        time.sleep(1)  # the flood is under way: that is what is measured
        read_shadow(reads, seconds)
        return mozu.stop()


def beside(*, seconds: float, processes: int, rate: int, python: str = sys.executable) -> tuple[int, Found]:
    """Return the number of opens by other processes beside one that floods, each of which should raise an alert, and
    the result; the ring has 8 MiB."""
    with site(python, 8 << 20) as (mozu, program):
        others = subprocess.Popen(
            [program, "busy", "0", program.parent / "counted", str(processes), str(rate)],
            start_new_session=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            with flooding(program, ("open", "{rough}", "1")):
                time.sleep(seconds)  # of which the events are counted
                os.killpg(others.pid, signal.SIGTERM)
                made, _ = others.communicate()
            return int(made), mozu.stop()
        finally:
            if others.poll() is None:
                os.killpg(others.pid, signal.SIGKILL)


def honest(load: AbstractContextManager[Callable[[], object]], python: str) -> tuple[int, Found]:
    """Return the number of events of a program that works hard, and the result."""
    with load as run, site(python, None, HONEST) as (mozu, _):
        run()
        found = mozu.stop()
        sources = json.loads((mozu.folder / "stats").read_text())["sources"].values()
        return sum(count["received"] for source in sources for count in source["types"].values()), found


@contextmanager
def kafka() -> Iterator[Callable[[], object]]:
    """Run a broker that stores 100,000 records and sends them again."""

    async def work() -> None:
        await plain_producer(broker, "bench.1", 100_000)
        await plain_consumer(broker, "bench.1", 100_000)

    with tempfile.TemporaryDirectory() as place, cluster(Path(place)) as broker:
        create(broker, "bench.1", partitions=6)
        yield lambda: asyncio.run(work())


HONEST_LOADS: Final[Mapping[str, Callable[[], AbstractContextManager[Callable[[], object]]]]] = {
    BUILD.name: BUILD.prepared,
    "Kafka, 100,000 records written and read": kafka,
}


def summary(found: Found) -> str:
    """Whom mozu calls a flood."""
    kinds = Counter(f"{one['account']} of user {one['user_uid']}" for one in found.floods if not one["ended"])
    return ", ".join(f"{number} × {kind}" for kind, number in sorted(kinds.items())) or "–"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--reads", type=int, default=200)
    parser.add_argument("--mozu", default=sys.executable)
    options = parser.parse_args()
    print("| flood | alerts | events lost | of them over a share | reported |\n|---|---|---|---|---|", flush=True)
    for flood in FLOODS:
        if options.only and not any(one in flood.name for one in options.only):
            continue
        found = survive(flood, seconds=options.seconds, reads=options.reads, python=options.mozu)
        cells = (f"{found.alerts['Shadow read']} of {options.reads}", f"{found.lost:,}", f"{found.over_share:,}")
        print(f"| {flood.name} | {' | '.join(cells)} | {summary(found)} |", flush=True)
    if not options.only or "500" in options.only:
        made, found = beside(seconds=options.seconds, processes=500, rate=1000, python=options.mozu)
        cells = (f"{found.alerts['Counted']:,} of {made:,}", f"{found.lost:,}", f"{found.over_share:,}")
        print(f"| 500 busy processes beside one that floods | {' | '.join(cells)} | {summary(found)} |", flush=True)
    for name, load in HONEST_LOADS.items():
        if not options.only or any(one in name for one in options.only):
            received, found = honest(load(), options.mozu)
            cells = (f"none of {received:,} events", f"{found.lost:,}", f"{found.over_share:,}")
            print(f"| {name} | {' | '.join(cells)} | {summary(found)} |", flush=True)


if __name__ == "__main__":
    main()
