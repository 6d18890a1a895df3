"""The fields `container.*`, `k8s.*`, `k8smeta.*` and `static.*`.

The core knows a process's container from its cgroups. Everything else comes from an enricher, which replaces these
readers; without one they know the values on the host and nothing about a container.
"""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Container, Process, SyscallEvent
from mozu.core.model.fields.dependency import Dependency
from mozu.core.model.fields.field import Argument, Field, FieldType, Reader
from mozu.core.model.fields.proc.read import UNSIGNED, dated, own
from mozu.core.model.value_types import FieldValue

_OWN: Final = frozenset({"tree", "cgroups"})
_NEEDS: Final = frozenset({"tree", "cgroups", "enricher:containers"})
_CLUSTER_NEEDS: Final = frozenset({"tree", "cgroups", "enricher:kubernetes"})
_BY_CGROUP: Final = frozenset({Dependency.CGROUP})
_SUGGESTED: Final = frozenset({"suggested"})
_DEPRECATED: Final = frozenset({"deprecated"})
_GONE: Final = "Out of use; never has a value."


def _by_cgroup(read: Callable[[Container], str]) -> Reader:
    return own(lambda process: "host" if process.container is None else read(process.container))


def _on_host(value: FieldValue) -> Reader:
    return own(lambda process: value if process.container is None else None)


def _start(process: Process) -> int | None:
    return process.pidns_start or None


def _age(process: Process, event: SyscallEvent) -> int | None:
    return event.age(process.pidns_start, process) & UNSIGNED if process.pidns_start else None


def _metadata(
    name: str,
    doc: str,
    *,
    host: FieldValue = None,
    kind: FieldType = FieldType.STRING,
    argument: Argument = Argument.NONE,
    traits: frozenset[str] = frozenset(),
    is_list: bool = False,
    needs: frozenset[str] = _NEEDS,
) -> Field:
    """Return a field that only an enricher can fill, except for its value on the host."""
    return Field(
        name=name,
        type=kind,
        doc=doc,
        argument=argument,
        traits=traits,
        needs=needs,
        is_list=is_list,
        read=None if host is None else _on_host(host),
    )


def _gone(name: str, *, kind: FieldType = FieldType.STRING, argument: Argument = Argument.NONE) -> Field:
    return Field(name=name, type=kind, doc=_GONE, argument=argument, traits=_DEPRECATED)


_COMMANDS: Final = {
    "healthcheck": "health check",
    "liveness_probe": "liveness probe, where it is a command and the pod was made by kubectl apply",
    "readiness_probe": "readiness probe, where it is a command and the pod was made by kubectl apply",
}


def _command(name: str, what: str) -> Field:
    return _metadata(f"container.{name}", f"Command of the container's {what}.", host="", traits=_DEPRECATED)


def _runs_command(name: str, what: str) -> Field:
    doc = f"Whether the process belongs to the container's {what}."
    return _metadata(f"proc.is_container_{name}", doc, host=False, kind=FieldType.BOOL, traits=_DEPRECATED)


_CONTAINER: Final = (
    Field(
        name="container.id",
        type=FieldType.STRING,
        read=_by_cgroup(lambda c: c.id),
        needs=_OWN,
        traits=_SUGGESTED,
        depends=_BY_CGROUP,
        doc="First 12 characters of the container's id; `host` outside containers.",
    ),
    Field(
        name="container.full_id",
        type=FieldType.STRING,
        read=_by_cgroup(lambda c: c.full_id),
        needs=_OWN,
        depends=_BY_CGROUP,
        doc="The container's whole id; `host` outside containers.",
    ),
    Field(
        name="container.type",
        type=FieldType.STRING,
        read=_by_cgroup(lambda c: c.runtime),
        needs=_OWN,
        depends=_BY_CGROUP,
        doc="What runs the container: docker, containerd, podman …; `host` outside containers.",
    ),
    _metadata(
        "container.state",
        "What was known of the container when the event was judged: `known`; `late`: its runtime had not answered in "
        "time; `unknown`: no runtime has it. Mozu's own; each alert of a container has it.",
        needs=_OWN,
    ),
    Field(
        name="container.start_ts",
        type=FieldType.ABSTIME,
        read=own(_start),
        needs=_OWN,
        depends=frozenset({Dependency.PROCESS}),
        doc="When the first process of the container's pid namespace began.",
    ),
    Field(
        name="container.duration",
        type=FieldType.RELTIME,
        read=dated(_age),
        needs=_OWN,
        doc="How long that was before the event.",
    ),
    _metadata("container.name", "Name of the container; `host` outside containers.", host="host", traits=_SUGGESTED),
    _metadata("container.image", "Image that the container was made from, as its runtime was reported.", host=""),
    _metadata("container.image.id", "Id of the image.", host=""),
    _metadata("container.image.repository", "Name of the image, without tag and digest.", host="", traits=_SUGGESTED),
    _metadata("container.image.tag", "Tag of the image.", host="", traits=_SUGGESTED),
    _metadata("container.image.digest", "Digest under which the registry keeps the image.", host=""),
    _metadata("container.privileged", "Whether the container runs privileged.", host=False, kind=FieldType.BOOL),
    _metadata("container.mounts", "All mounts, each as source:dest:mode:rdwr:propagation, joined by commas.", host=""),
    _metadata("container.mount", "One mount, by its index or by a pattern for its source.", argument=Argument.KEY),
    _metadata("container.mount.source", "Source of one mount.", argument=Argument.KEY),
    _metadata("container.mount.dest", "Where in the container one mount is seen.", argument=Argument.KEY),
    _metadata("container.mount.mode", "Mode text of one mount.", argument=Argument.KEY),
    _metadata("container.mount.rdwr", "Whether one mount is writable.", argument=Argument.KEY),
    _metadata("container.mount.propagation", "Propagation of one mount.", argument=Argument.KEY),
    _metadata("container.ip", "The container's main IPv4 address.", host=""),
    _metadata("container.cni.json", "What the network plugin answered for the container, as JSON.", host=""),
    _metadata("container.host_pid", "Whether it shares the host's pid namespace.", host=False, kind=FieldType.BOOL),
    _metadata("container.host_network", "Whether it shares the host's network.", host=False, kind=FieldType.BOOL),
    _metadata("container.host_ipc", "Whether it shares the host's IPC namespace.", host=False, kind=FieldType.BOOL),
    _metadata("container.label", "One label of the container.", argument=Argument.KEY_OR_DOTTED),
    _metadata("container.labels", "All labels of the container as `key:value`.", host=""),
    _metadata("container.engine", "Whose answer its metadata are: docker, containerd, cri, podman. Mozu's own."),
    _metadata(
        "container.is_pod_sandbox",
        "Whether it is a pod's sandbox, which holds its namespaces (the pause container). Mozu's own.",
        host=False,
        kind=FieldType.BOOL,
    ),
    *(_command(name, what) for name, what in _COMMANDS.items()),
    *(_runs_command(name, what) for name, what in _COMMANDS.items()),
)

_POD: Final = (
    _metadata("k8s.pod.name", "Name of the pod.", traits=_SUGGESTED),
    _metadata("k8s.ns.name", "Namespace of the pod.", traits=_SUGGESTED),
    _metadata("k8s.pod.id", "The pod's uid, by its old name."),
    _metadata("k8s.pod.uid", "The pod's uid."),
    _metadata("k8s.pod.sandbox_id", "First 12 characters of the id of the pod's sandbox.", host=""),
    _metadata("k8s.pod.full_sandbox_id", "Id of the pod's sandbox.", host=""),
    _metadata("k8s.pod.label", "One label of the pod.", argument=Argument.KEY_OR_DOTTED),
    _metadata("k8s.pod.labels", "All labels of the pod as `key:value`.", host=""),
    _metadata("k8s.pod.ip", "The pod's IPv4 address.", host=""),
    _metadata("k8s.pod.cni.json", "What the network plugin answered for the pod, as JSON.", host=""),
    *(_gone(f"k8s.{kind}.{part}") for kind in ("rc", "svc", "rs", "deployment") for part in ("name", "id", "labels")),
    *(_gone(f"k8s.{kind}.label", argument=Argument.KEY_OR_DOTTED) for kind in ("rc", "svc", "rs", "deployment", "ns")),
    _gone("k8s.ns.id"),
    _gone("k8s.ns.labels"),
)

_OBJECTS: Final = {
    "pod": "pod",
    "ns": "namespace",
    "deployment": "deployment",
    "rs": "replica set",
    "rc": "replication controller",
    "svc": "services that select the pod",
    "workload": "highest controller of the pod",
}
"""Short name in the fields → meaning. `svc` may be several; `workload` is mozu's own."""


def _cluster() -> tuple[Field, ...]:
    needs = _CLUSTER_NEEDS
    found: tuple[Field, ...] = (
        _metadata("k8smeta.pod.ip", "The pod's address, from the cluster.", needs=needs),
        _metadata(
            "k8smeta.workload.kind",
            "Kind of the highest controller of the pod: Deployment, DaemonSet, StatefulSet, CronJob … mozu's own.",
            needs=needs,
        ),
    )
    for short, what in _OBJECTS.items():
        several, traits = short == "svc", _SUGGESTED if short in ("pod", "ns") else frozenset[str]()
        found += (
            _metadata(
                f"k8smeta.{short}.name",
                f"Name of the {what}, from the cluster.",
                is_list=several,
                traits=traits,
                needs=needs,
            ),
            _metadata(f"k8smeta.{short}.uid", f"Uid of the {what}, from the cluster.", is_list=several, needs=needs),
            _metadata(
                f"k8smeta.{short}.label",
                f"One label of the {what}, from the cluster.",
                argument=Argument.KEY,
                is_list=several,
                needs=needs,
            ),
            _metadata(
                f"k8smeta.{short}.labels", f"All labels of the {what}, from the cluster.", is_list=True, needs=needs
            ),
        )
    return found


_STATIC: Final = Field(
    name="static",
    type=FieldType.STRING,
    argument=Argument.DOTTED,
    sources=frozenset({"*"}),
    traits=_SUGGESTED,
    doc="A constant that the configuration gives a name.",
)

FIELDS: Final[tuple[Field, ...]] = (*_CONTAINER, *_POD, *_cluster(), _STATIC)
