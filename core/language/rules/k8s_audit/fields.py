"""Fields of the Kubernetes audit log (source `k8s_audit`): the client, its request, and the answer of the API server.

Without an `auditID` every field is missing. A list without elements is missing too. If Falco's documentation and its
code differ, these fields behave as documented: `ka.sourceips` are the client's addresses, and a registry's port does
not truncate the repository of an image.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

from mozu.core.language.rules.json_fields import ABSENT, as_value, walk
from mozu.core.language.rules.k8s_audit.pod import (
    any_privileged,
    containers,
    first_repository,
    host_path,
    volume_types,
    volumes,
)
from mozu.core.language.rules.k8s_audit.record import POD_SPEC, computed, elements, keyed, list_at, several, single
from mozu.core.model.fields import Field
from mozu.core.model.value_types import JsonObject


def _subjects(kind: str, *, namespaced: bool = False) -> Callable[[JsonObject, int | None], list[str]]:
    """Return a function that reads the names (or `namespace:name`) of `requestObject.subjects` of one kind."""

    def values(record: JsonObject, _: int | None) -> list[str]:
        found = []
        for subject in list_at(record, "requestObject", "subjects"):
            name = as_value(walk(subject, ("name",)))
            if walk(subject, ("kind",)) != kind or name is None:
                continue
            space = as_value(walk(subject, ("namespace",))) or ""
            found.append(f"{space}:{name}" if namespaced else name)
        return found

    return values


def _flattened(key: str) -> Callable[[JsonObject, int | None], list[str]]:
    """Return a function that reads one list of all `requestObject.rules`, or of the rule at an index."""

    def values(record: JsonObject, position: int | None) -> list[str]:
        rules = list_at(record, "requestObject", "rules")
        chosen = rules if position is None else rules[position : position + 1]
        return [text for rule in chosen for item in list_at(rule, key) if (text := as_value(item)) is not None]

    return values


def _service_ports(record: JsonObject, _: int | None) -> list[str]:
    text = as_value(walk(record, (*POD_SPEC, "ports")))
    return [] if text is None else [text]


def _param(record: JsonObject, key: str) -> str | None:
    """Return the first value of a query parameter of `requestURI`."""
    uri = record.get("requestURI")
    if not isinstance(uri, str):
        return None
    try:
        found = parse_qs(urlsplit(uri).query, keep_blank_values=True).get(key)
    except ValueError:
        return None
    return found[0] if found else None


def _target_pod(record: JsonObject) -> str | None:
    """Return the name of the pod that a request created; None for subresources and other kinds."""
    reference = record.get("objectRef")
    if walk(reference, ("resource",)) != "pods" or walk(reference, ("subresource",)) not in (ABSENT, ""):
        return None
    return as_value(walk(record, ("responseObject", "metadata", "name")))


_SINGLE: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("auditid", "The record's id.", ("auditID",)),
    ("stage", "The stage of the request at which the record was made.", ("stage",)),
    ("auth.decision", "Whether the request was authorised.", ("annotations", "authorization.k8s.io/decision")),
    ("auth.reason", "Why it was authorised or not.", ("annotations", "authorization.k8s.io/reason")),
    (
        "auth.openshift.decision",
        "OpenShift's decision on the authentication.",
        ("annotations", "authentication.openshift.io/decision"),
    ),
    (
        "auth.openshift.username",
        "The user in OpenShift's authentication.",
        ("annotations", "authentication.openshift.io/username"),
    ),
    (
        "validations.admission.policy.failure",
        "What a validating admission policy refused.",
        ("annotations", "validation.policy.admission.k8s.io/validation_failure"),
    ),
    (
        "security.pod.violations",
        "Violations of the pod security standard.",
        ("annotations", "pod-security.kubernetes.io/audit-violations"),
    ),
    ("user.name", "The user who asked.", ("user", "username")),
    ("impuser.name", "The user who is impersonated.", ("impersonatedUser", "username")),
    ("verb", "The verb of the request.", ("verb",)),
    ("uri", "The URI of the request.", ("requestURI",)),
    ("target.name", "Name of the object that the request is about.", ("objectRef", "name")),
    ("target.namespace", "Namespace of that object.", ("objectRef", "namespace")),
    ("target.resource", "Kind of that object.", ("objectRef", "resource")),
    ("target.subresource", "Part of that object.", ("objectRef", "subresource")),
    ("req.binding.role", "The role that is bound.", ("requestObject", "roleRef", "name")),
    ("req.configmap.name", "Name of the config map.", ("objectRef", "name")),
    ("req.configmap.obj", "The config map's data as JSON.", ("requestObject", "data")),
    ("req.pod.host_ipc", "The flag hostIPC of the pod.", (*POD_SPEC, "hostIPC")),
    ("req.pod.host_network", "The flag hostNetwork of the pod.", (*POD_SPEC, "hostNetwork")),
    ("req.pod.host_pid", "The flag hostPID of the pod.", (*POD_SPEC, "hostPID")),
    ("req.pod.run_as_user", "The pod's user id.", (*POD_SPEC, "securityContext", "runAsUser")),
    ("req.pod.run_as_group", "The pod's group id.", (*POD_SPEC, "securityContext", "runAsGroup")),
    ("req.pod.fs_group", "The pod's fsGroup.", (*POD_SPEC, "securityContext", "fsGroup")),
    ("req.service.type", "The type of the service.", (*POD_SPEC, "type")),
    ("resp.name", "Name of the object in the response.", ("responseObject", "metadata", "name")),
    ("response.code", "Code of the response.", ("responseStatus", "code")),
    ("response.reason", "Reason in the response.", ("responseStatus", "reason")),
    ("useragent", "The client's user agent.", ("userAgent",)),
    ("cluster.name", "Name of the cluster.", ("annotations", "cluster_name")),
)

_LISTS: Final = (
    several("user.groups", "Groups of the user who asked.", elements("user", "groups"), index=False),
    several(
        "req.binding.subjects",
        "Subjects of a binding, each as JSON.",
        elements("requestObject", "subjects"),
        index=False,
    ),
    several("req.binding.subjects.user_names", "Users among them.", _subjects("User"), index=False),
    several(
        "req.binding.subjects.serviceaccount_names",
        "Service accounts among them.",
        _subjects("ServiceAccount"),
        index=False,
    ),
    several("req.binding.subjects.group_names", "Groups among them.", _subjects("Group"), index=False),
    several(
        "req.binding.subjects.serviceaccount_ns_names",
        "Service accounts among them, as NAMESPACE:NAME.",
        _subjects("ServiceAccount", namespaced=True),
        index=False,
    ),
    several(
        "req.pod.supplemental_groups",
        "The pod's supplemental groups.",
        elements(*POD_SPEC, "securityContext", "supplementalGroups"),
        index=False,
    ),
    several("req.role.rules", "Rules of the role, each as JSON.", elements("requestObject", "rules"), index=False),
    several("req.role.rules.apiGroups", "API groups in the rules of the role.", _flattened("apiGroups"), index=True),
    several(
        "req.role.rules.nonResourceURLs", "URLs in the rules of the role.", _flattened("nonResourceURLs"), index=True
    ),
    several("req.role.rules.verbs", "Verbs in the rules of the role.", _flattened("verbs"), index=True),
    several("req.role.rules.resources", "Resources in the rules of the role.", _flattened("resources"), index=True),
    several("req.service.ports", "Ports of the service, the whole array as JSON.", _service_ports, index=True),
    several(
        "req.pod.volumes.hostpath", "Paths of the host that are mounted.", volumes("hostPath", "path"), index=True
    ),
    several(
        "req.pod.volumes.flexvolume_driver", "Drivers of flexVolumes.", volumes("flexVolume", "driver"), index=True
    ),
    several("req.pod.volumes.volume_type", "Kinds of the volumes.", volume_types, index=True),
    several("sourceips", "The client's addresses.", elements("sourceIPs"), index=True),
)

_OTHERS: Final = (
    keyed("uri.param", "The first value of a parameter in the request's URI.", _param),
    computed("target.pod.name", "Name of the pod in the response to a request about pods.", _target_pod),
    keyed("req.binding.subject.has_name", "Always `true`.", lambda _record, _key: "true", deprecated=True),
    single(
        "req.container.image", "Image of the first container.", *POD_SPEC, "containers", "0", "image", deprecated=True
    ),
    computed("req.container.image.repository", "Its repository.", first_repository, deprecated=True),
    single("req.container.host_network", "The flag hostNetwork of the pod.", *POD_SPEC, "hostNetwork", deprecated=True),
    computed(
        "req.container.privileged",
        "`true` if any container is privileged, else `false`.",
        any_privileged,
        deprecated=True,
    ),
    keyed(
        "req.volume.hostpath",
        "`true` if this path of the host is mounted (a `*` at the end: anything that begins so), else `false`.",
        host_path,
        deprecated=True,
    ),
)

FIELDS: Final[tuple[Field, ...]] = (
    *(single(name, doc, *steps) for name, doc, steps in _SINGLE),
    *_LISTS,
    *containers("containers", "containers"),
    *containers("initContainers", "init containers"),
    *containers("ephemeralContainers", "ephemeral containers"),
    *_OTHERS,
)
