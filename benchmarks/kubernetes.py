"""Cost of the enricher `kubernetes` with a real API server: start, memory, idleness, delay until a pod is known.

    python -m benchmarks.kubernetes [--pods 110 5000]

Needs the server that `python -m tests.support.kube_apiserver` builds. Ten pods share a deployment, which a service
selects. A start is a process of its own.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from mozu.core.runtime.loop import run
from tests.plugins.enrichers.actors import until, working
from tests.support.kube_apiserver import BINARY, KubeApiserver, kube_apiserver
from tests.support.kube_scenario import owner, pod, template

IDLE: Final = 20.0
"""Seconds."""
NEW: Final = 100
"""Pods that are made while the enricher runs."""


def fill(server: KubeApiserver, node: str, count: int) -> None:
    """Create this many pods of a node, in a namespace of their own."""
    server.create("/api/v1/namespaces", {"metadata": {"name": node}})

    def deployment(number: int) -> None:
        name, labels = f"app-{number}", {"app": f"app-{number}", "team": "sales"}
        spec = {"replicas": 10, "selector": {"matchLabels": {"app": name}}, "template": template(labels)}
        apps = f"/apis/apps/v1/namespaces/{node}"
        made = server.create(f"{apps}/deployments", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        meta = {"name": f"{name}-5d8f", "labels": labels, "ownerReferences": owner(made, "Deployment", "apps/v1")}
        replicas = server.create(f"{apps}/replicasets", {"metadata": meta, "spec": spec})
        service = {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}
        server.create(f"/api/v1/namespaces/{node}/services", service)
        mine = owner(replicas, "ReplicaSet", "apps/v1")
        for one in range(min(10, count - number * 10)):
            pod(server, f"{name}-5d8f-{one}", space=node, node=node, labels=labels, ownerReferences=mine)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(deployment, range((count + 9) // 10)))


def rss() -> float:
    """MB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def started(kubeconfig: Path, node: str, uids: list[str]) -> dict[str, float]:
    """Return seconds, memory and CPU of a start, and the cost of idleness; runs in a process of its own."""
    from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
    from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings

    before, cpu, begin = rss(), time.process_time(), time.monotonic()
    settings = KubernetesSettings(node=node, kubeconfig=kubeconfig, timeout=20)
    async with working(KubernetesEnricher, settings) as enricher:
        for uid in uids:
            await until(partial(enricher.known, uid), "every pod is known")
        seconds, spent, memory = time.monotonic() - begin, time.process_time() - cpu, rss() - before
        cpu = time.process_time()
        await asyncio.sleep(IDLE)  # what it uses meanwhile is measured
        idle = (time.process_time() - cpu) / IDLE * 100
    return {"seconds": seconds, "cpu": spent, "memory": memory, "idle": idle}


async def delays(server: KubeApiserver, node: str) -> list[float]:
    """Milliseconds from the moment at which the maker of a pod had his answer until it is known with its namespace."""
    from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
    from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings

    found = []
    async with working(KubernetesEnricher, KubernetesSettings(node=node, kubeconfig=server.kubeconfig())) as enricher:
        for number in range(NEW):
            made = await asyncio.to_thread(pod, server, f"new-{number}", space=node, node=node)
            begin = time.monotonic()
            await enricher.resolve(made["metadata"]["uid"])
            found.append((time.monotonic() - begin) * 1000)
    return sorted(found)


def main() -> None:
    """Print a line for each number of pods."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, nargs="+", default=[110, 5000])
    parser.add_argument("--child", nargs=2, metavar=("KUBECONFIG", "NODE"))
    arguments = parser.parse_args()
    if arguments.child is not None:
        kubeconfig, node = arguments.child
        sys.stdout.write(json.dumps(run(started(Path(kubeconfig), node, json.load(sys.stdin)))))
        return
    if not BINARY.exists():
        print("no kube-apiserver: python -m tests.support.kube_apiserver builds one")
        return
    with tempfile.TemporaryDirectory() as folder, kube_apiserver(Path(folder)) as server:
        for count in arguments.pods:
            measure(server, count)


def measure(server: KubeApiserver, count: int) -> None:
    """Measure one node."""
    node = f"node-{count}"
    fill(server, node, count)
    listed: Any = server.call("GET", f"/api/v1/namespaces/{node}/pods")
    uids = [one["metadata"]["uid"] for one in listed["items"]]
    command = [sys.executable, "-m", "benchmarks.kubernetes", "--child", str(server.kubeconfig()), node]
    done = subprocess.run(command, input=json.dumps(uids).encode(), check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    print(
        f"{len(uids)} pods: all known after {found['seconds']:.2f} s ({found['cpu']:.2f} s of CPU), "
        f"{found['memory']:.1f} MB more; idle {found['idle']:.3f} % of a processor"
    )
    new = run(delays(server, node))
    print(f"a new pod is known after: p50 {statistics.median(new):.1f} ms, p99 {new[int(len(new) * 0.99) - 1]:.1f} ms")


if __name__ == "__main__":
    main()
