"""Events of a cluster in the tests of the enricher `kubernetes`: objects with their owners, and changes.

No controller manager runs; the objects that controllers would make are made here, with the same owner references.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

NODE: Final = "node-1"
SPACE: Final = "shop"
_APPS: Final = f"/apis/apps/v1/namespaces/{SPACE}"
_CORE: Final = f"/api/v1/namespaces/{SPACE}"
_BATCH: Final = f"/apis/batch/v1/namespaces/{SPACE}"


class Admin(Protocol):
    """A client that may change everything."""

    def create(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Create an object; return it as the server keeps it."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request; return the answer's JSON."""


def owner(made: dict[str, Any], kind: str, version: str) -> list[dict[str, Any]]:
    """Return references to a controller."""
    meta = made["metadata"]
    return [{"apiVersion": version, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}]


def pod(admin: Admin, name: str, *, space: str = SPACE, node: str = NODE, **metadata: Any) -> dict[str, Any]:
    """Create a pod that a node runs, with an address."""
    document = {
        "metadata": {"name": name, **metadata},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "registry.example/shop/web:1.2"}]},
    }
    admin.create(f"/api/v1/namespaces/{space}/pods", document)
    status = {"status": {"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}]}}
    found: dict[str, Any] = admin.call("PATCH", f"/api/v1/namespaces/{space}/pods/{name}/status", status)
    return found


def template(labels: dict[str, str]) -> dict[str, Any]:
    """Return the part of a workload that describes its pods."""
    container = {"name": "main", "image": "registry.example/shop/web:1.2"}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container], "restartPolicy": "Always"}}


def deployed(admin: Admin) -> dict[str, Any]:
    """Create a deployment with its replica set and a pod of the node, a service that selects the pod, and one that does
    not."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": SPACE, "labels": {"team": "sales"}}})
    labels = {"app": "web", "tier": "front"}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template(labels)}
    of_deployment = {"name": "web", "labels": {"app": "web", "owner": "sales"}}
    deployment = admin.create(f"{_APPS}/deployments", {"metadata": of_deployment, "spec": spec})
    of_set = {"name": "web-5d8f", "labels": labels, "ownerReferences": owner(deployment, "Deployment", "apps/v1")}
    replica_set = admin.create(f"{_APPS}/replicasets", {"metadata": of_set, "spec": spec})
    for name, selector in (("web", {"app": "web"}), ("web-front", {"tier": "front"}), ("other", {"app": "db"})):
        document = {
            "metadata": {"name": name, "labels": {"service": name}},
            "spec": {"selector": selector, "ports": [{"port": 80}]},
        }
        admin.create(f"{_CORE}/services", document)
    return pod(admin, "web-5d8f-x1", labels=labels, ownerReferences=owner(replica_set, "ReplicaSet", "apps/v1"))


def others(admin: Admin) -> dict[str, dict[str, Any]]:
    """Create a pod of the node for each kind of the highest controller, and one of another node; return them by
    kind."""
    labels = {"app": "db"}
    spec = {"selector": {"matchLabels": labels}, "template": template(labels)}
    once = {"template": {**template({}), "spec": {**template({})["spec"], "restartPolicy": "Never"}}}
    stateful = {**spec, "serviceName": "db"}
    daemon = admin.create(f"{_APPS}/daemonsets", {"metadata": {"name": "log", "labels": {"of": "ds"}}, "spec": spec})
    sets = admin.create(f"{_APPS}/statefulsets", {"metadata": {"name": "db", "labels": {"of": "ss"}}, "spec": stateful})
    rc = {"replicas": 1, "selector": labels, "template": template(labels)}
    controller = admin.create(
        f"{_CORE}/replicationcontrollers", {"metadata": {"name": "old", "labels": {"of": "rc"}}, "spec": rc}
    )
    cron = admin.create(
        f"{_BATCH}/cronjobs",
        {
            "metadata": {"name": "nightly", "labels": {"of": "cj"}},
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": once}},
        },
    )
    job = admin.create(
        f"{_BATCH}/jobs",
        {"metadata": {"name": "nightly-1", "ownerReferences": owner(cron, "CronJob", "batch/v1")}, "spec": once},
    )
    elsewhere = [{"apiVersion": "example.org/v1", "kind": "Deployment", "name": "q", "uid": "u-1", "controller": True}]
    mirror = {"kubernetes.io/config.mirror": STATIC, "kubernetes.io/config.hash": STATIC}
    pod(admin, "away-1", node="node-2")
    return {
        "DaemonSet": pod(admin, "log-1", ownerReferences=owner(daemon, "DaemonSet", "apps/v1")),
        "StatefulSet": pod(admin, "db-0", labels=labels, ownerReferences=owner(sets, "StatefulSet", "apps/v1")),
        "ReplicationController": pod(admin, "old-1", ownerReferences=owner(controller, "ReplicationController", "v1")),
        "CronJob": pod(admin, "nightly-1-a", ownerReferences=owner(job, "Job", "batch/v1")),
        "Deployment": pod(admin, "q-1", ownerReferences=elsewhere),
        "": pod(admin, "static-node-1", annotations=mirror),
    }


STATIC: Final = "3d2f4f5e6a7b8c9d0e1f2a3b4c5d6e7f"
"""Uid of the static pod, as the kubelet of its node made it."""


def relabelled(admin: Admin) -> None:
    """Change labels of deployment, namespace, pod and a service; a service selects the pod no longer."""
    for path, labels in (
        (f"{_APPS}/deployments/web", {"owner": "logistics"}),
        (f"/api/v1/namespaces/{SPACE}", {"team": "logistics"}),
        (f"{_CORE}/pods/web-5d8f-x1", {"tier": "back"}),
        (f"{_CORE}/services/web", {"service": "renamed"}),
    ):
        admin.call("PATCH", path, {"metadata": {"labels": labels}})


def removed(admin: Admin) -> None:
    """Delete the pod of the deployment."""
    admin.call("DELETE", f"{_CORE}/pods/web-5d8f-x1", {"gracePeriodSeconds": 0})


STEPS: Final[tuple[tuple[str, Callable[[Admin], Any]], ...]] = (
    ("deployed", deployed),
    ("others", others),
    ("relabelled", relabelled),
    ("removed", removed),
)
"""Name → function that makes the step's changes, in order."""
