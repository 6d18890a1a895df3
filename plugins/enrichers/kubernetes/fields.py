"""The fields `k8smeta.*`, read from a pod and the objects that it belongs to."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from mozu.core.model.fields import Reader
from mozu.core.model.value_types import FieldValue
from mozu.plugins.enrichers.kubernetes.controller import Controller
from mozu.plugins.enrichers.kubernetes.objects import ClusterObject, PodObject, ServiceObject

Binder = Callable[[str | None], Reader]
"""Function from a field's argument to its reader."""


class KnownPods(Protocol):
    """Source of the fields' values."""

    def pod_of(self, event: Any) -> PodObject | None:
        """Return the pod of the event's process; None if unknown."""

    def namespace(self, pod: PodObject) -> ClusterObject | None:
        """Return the pod's namespace; None if unknown."""

    def services(self, pod: PodObject) -> list[ServiceObject]:
        """Return the services that select the pod, ordered by name."""

    def controllers(self, pod: PodObject) -> list[Controller]:
        """Return the known controllers, from the pod upwards."""


_KINDS: Final[Mapping[str, str]] = {
    "deployment": "Deployment",
    "rs": "ReplicaSet",
    "rc": "ReplicationController",
}
"""Kind of controller, by the part of a field's name."""


def kubernetes_readers(known: KnownPods) -> dict[str, Binder]:
    """Return for each field a function from its argument to a reader."""
    readers = {
        **_object(known, "pod", lambda pod: pod),
        **_object(known, "ns", known.namespace),
        **_services(known),
        **_object(known, "workload", lambda pod: _last(known.controllers(pod))),
        "k8smeta.pod.ip": _plain(known, lambda pod: pod.ip or None),
        "k8smeta.ns.name": _plain(known, lambda pod: pod.namespace),
        "k8smeta.workload.kind": _plain(known, lambda pod: _kind(_last(known.controllers(pod)))),
    }
    for part, kind in _KINDS.items():
        readers |= _object(known, part, _of_kind(known, kind))
    return readers


def _object(
    known: KnownPods, part: str, find: Callable[[PodObject], ClusterObject | Controller | None]
) -> dict[str, Binder]:
    """Return the readers of name, uid and labels of one object that a pod leads to."""

    def name(pod: PodObject) -> str | None:
        found = find(pod)
        return None if found is None else found.name

    def uid(pod: PodObject) -> str | None:
        found = find(pod)
        return None if found is None else found.uid

    def labels(pod: PodObject) -> Mapping[str, str]:
        found = find(pod)
        return (None if found is None else found.labels) or {}

    return {
        f"k8smeta.{part}.name": _plain(known, name),
        f"k8smeta.{part}.uid": _plain(known, uid),
        f"k8smeta.{part}.label": lambda key: _reader(known, lambda pod: labels(pod).get(key or "")),
        f"k8smeta.{part}.labels": _plain(known, lambda pod: _shown(labels(pod)) or None),
    }


def _services(known: KnownPods) -> dict[str, Binder]:
    """Return the readers of services. An empty list counts as missing."""

    def label(key: str | None) -> Reader:
        def values(pod: PodObject) -> FieldValue:
            return tuple(one.labels[key] for one in known.services(pod) if key in one.labels) or None

        return _reader(known, values)

    return {
        "k8smeta.svc.name": _plain(known, lambda pod: tuple(one.name for one in known.services(pod)) or None),
        "k8smeta.svc.uid": _plain(known, lambda pod: tuple(one.uid for one in known.services(pod)) or None),
        "k8smeta.svc.label": label,
        "k8smeta.svc.labels": _plain(
            known, lambda pod: tuple(text for one in known.services(pod) for text in _shown(one.labels)) or None
        ),
    }


def _plain(known: KnownPods, value: Callable[[PodObject], FieldValue]) -> Binder:
    reader = _reader(known, value)
    return lambda _: reader


def _reader(known: KnownPods, value: Callable[[PodObject], FieldValue]) -> Reader:
    def read(event: Any) -> FieldValue:
        pod = known.pod_of(event)
        return None if pod is None else value(pod)

    return read


def _of_kind(known: KnownPods, kind: str) -> Callable[[PodObject], Controller | None]:
    """Return a function that finds the controller of a kind of Kubernetes itself: other groups may have kinds of the
    same name."""

    def find(pod: PodObject) -> Controller | None:
        found = (one for one in known.controllers(pod) if one.resource is not None and one.kind == kind)
        return next(found, None)

    return find


def _last(controllers: list[Controller]) -> Controller | None:
    return controllers[-1] if controllers else None


def _kind(found: Controller | None) -> str | None:
    return None if found is None else found.kind


def _shown(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the labels as `key:value`, sorted."""
    return tuple(f"{key}:{value}" for key, value in sorted(labels.items()))
