"""Cost of containers: duration of a look-up in each runtime, events and idleness beside 1, 50, 500 containers.

    python -m benchmarks.containers [--lookups 300] [--running 1 50 500 50 1] [--only lookups|running]

Runtimes of its own, as the storms have them (`python -m tests.storms`); needs root.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.monitor import Mozu, Usage
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.containers import builder
from mozu.plugins.enrichers.containers.settings import ContainerdSettings, CriSettings, DockerSettings, PodmanSettings
from tests.plugins.enrichers.actors import working
from tests.support.containerd import Containerd
from tests.support.cri import Pods
from tests.support.docker import DockerEngine
from tests.support.podman import Podman

BEGUN: Final = 10
"""Containers of each runtime that are looked up in turns."""
PODS: Final = 10
"""Number of pods that contain the running containers."""
IDLE: Final = 6.0
"""Seconds."""
OPENS: Final = 100_000
_RULE: Final = """\
- rule: Never
  desc: Every open of this file comes to user space, for what the image is is not known in the kernel.
  condition: evt.type = openat and fd.name = /mozu/nowhere and container.image.repository = another
  output: "%container.name"
  priority: WARNING
"""
_OPENER: Final = """
import os, sys, time
for group in sys.argv[2:]:
    with open(group, "w") as file:
        file.write(str(os.getpid()))
for number in range(int(sys.argv[1])):
    try:
        os.open("/mozu/nowhere", os.O_RDONLY)
    except FileNotFoundError:
        pass
    if number % 100 == 0:
        time.sleep(0.002)  # none may be lost
"""


async def latencies(build: Any, settings: Any, full_ids: list[str], count: int) -> list[float]:
    """Seconds of so many look-ups, each of a container that is not cached."""
    found = []
    async with working(build, settings) as enricher:
        for number in range(count):
            full_id = full_ids[number % len(full_ids)]
            enricher._lookups.ended(full_id)
            enricher._lookups.replaced(full_id)
            begun = time.perf_counter()
            await enricher.resolve(full_id)
            found.append(time.perf_counter() - begun)
    return found


def lookups(count: int) -> Iterator[str]:
    """A row for each runtime."""
    engine = DockerEngine()
    try:
        engine.start()
        engine.build()
        settings: Any = DockerSettings(socket=engine.socket, data_root=engine.data_root)
        yield _row("docker, files", builder("docker"), settings, [engine.begin() for _ in range(BEGUN)], count)
    finally:
        engine.destroy()
    with _containerd(BEGUN) as (server, names):
        root = server.root / "root"
        for socket, database, name in (
            (server.socket, Path("/nonexistent"), "containerd, its state directory and its API"),
            (None, root, "containerd, its state directory and its database"),
        ):  # fmt: skip
            settings = ContainerdSettings(state=server.state, root=database, socket=socket)
            yield _row(name, builder("containerd"), settings, names, count)
    with _pods() as (pods, sandboxes):
        full_ids = [pods.container(sandboxes[0], f"box-{number}") for number in range(BEGUN)]
        yield _row("CRI, API", builder("cri"), CriSettings(sockets=(pods.server.socket,)), full_ids, count)
    storage = Podman()
    try:
        storage.build()
        settings = PodmanSettings(storage=(str(storage.storage),))
        yield _row("podman, files", builder("podman"), settings, [storage.begin() for _ in range(BEGUN)], count)
    finally:
        storage.destroy()


def _row(name: str, build: Any, settings: Any, full_ids: list[str], count: int) -> str:
    found = run(latencies(build, settings, full_ids, count))
    p99 = statistics.quantiles(found, n=100)[98]
    return f"| {name} | {statistics.median(found) * 1e3:.2f} ms | {p99 * 1e3:.2f} ms |"


@contextmanager
def _containerd(count: int) -> Iterator[tuple[Containerd, list[str]]]:
    server = Containerd()
    try:
        server.start()
        server.build()
        names = [f"idle-{number}" for number in range(count)]
        for name in names:
            server.begin(name)
        yield server, names
    finally:
        server.destroy()


def running(counts: list[int]) -> Iterator[str]:
    """A row for each number of running containers, in the order given; those that are too many are removed."""
    with _pods() as (pods, sandboxes), tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "never.yaml")
        rules.write_text(_RULE)
        containers: list[str] = []
        for count in counts:
            for number in range(len(containers), count):
                containers.append(pods.container(sandboxes[number % PODS], f"idle-{number}"))
            while len(containers) > count:
                pods.remove_container(containers.pop())
            without, busy, idle = Usage(), Usage(), Usage()
            with Beside(rules, None).watching(without):
                time.sleep(IDLE)  # what it uses meanwhile is measured
            monitor = Beside(rules, pods.server)
            with monitor.watching(idle):
                time.sleep(IDLE)  # what it uses without them is measured
            with monitor.watching(busy):
                _open_in(containers[0])
            each = busy.cpu / OPENS
            yield (
                f"| {count} | {without.cpu / IDLE * 100:.2f} % | {idle.cpu / IDLE * 100:.2f} % | {each * 1e6:.2f} µs "
                f"| {1 / each:,.0f} | {without.rss:.0f}, {busy.rss:.0f} MiB | {busy.lost} |"
            )


@contextmanager
def _pods() -> Iterator[tuple[Pods, list[str]]]:
    """(a containerd with CRI, the sandboxes of its pods); containers of a pod share a shim, and so fit into memory."""
    server = Containerd()
    pods = Pods(server)
    try:
        server.start()
        server.build("k8s.io")
        server.build_sandbox("k8s.io")
        yield pods, [pods.pod(f"bench-{number}") for number in range(PODS)]
    finally:
        pods.destroy()
        server.destroy()


class Beside(Mozu):
    """mozu with the enricher of this containerd and its pods; None: with none of containers."""

    def __init__(self, rules: Path, server: Containerd | None) -> None:
        super().__init__([rules])
        enricher = "users"
        if server is not None:
            places = f"socket: {server.socket}, state: {server.state}, root: {server.root / 'root'}"
            cri = f"cri: {{sockets: [{server.socket}]}}"
            enricher = f"containers: {{docker: null, podman: null, containerd: {{{places}}}, {cri}}}"
        self._options += ["-o", f"enrichers=[{enricher}]"]


def _open_in(full_id: str) -> None:
    """Open a file often, in the cgroups of a container."""
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{full_id}/cgroup.procs")]
    subprocess.run([sys.executable, "-c", _OPENER, str(OPENS), *groups], check=True)


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lookups", type=int, default=300)
    parser.add_argument("--running", type=int, nargs="+", default=[1, 50, 500, 50, 1])
    parser.add_argument("--only", choices=("lookups", "running"))
    options = parser.parse_args()
    if options.only != "running":
        print("| look-up | p50 | p99 |\n|---|---|---|", flush=True)
        for line in lookups(options.lookups):
            print(line, flush=True)
    if options.only != "lookups":
        head = (
            "running containers", "idle CPU without an enricher of containers", "idle CPU", "CPU of an event",
            "events a second of CPU", "RSS, without and with", "lost",
        )  # fmt: skip
        print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|", flush=True)
        for line in running(options.running):
            print(line, flush=True)


if __name__ == "__main__":
    main()
