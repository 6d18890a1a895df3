"""Fields of the Kubernetes audit log (source `k8s_audit`): who asked for what, and what the API server said.

An audit record is told by its `auditID`; without one every field is missing. A list without elements is missing too.
Where Falco's documentation and its code differ, these fields do what is documented: `ka.sourceips` are the
client's addresses, and a registry's port does not cut the repository of an image.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from mozu.core.language.rules.json_fields import ABSENT, as_value, walk
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field, FieldType, Reader

_SOURCES: Final = frozenset({"k8s_audit"})
_POD: Final = ("requestObject", "spec")

Values = Callable[[dict[str, Any]], Iterator[str]]
"""All values of a list field in a record."""


def _record(event: DataEvent) -> dict[str, Any] | None:
    data = event.data
    return data if isinstance(data, dict) and "auditID" in data else None


def _list_at(value: Any, *steps: str) -> list[Any]:
    found = walk(value, steps)
    return found if isinstance(found, list) else []


def _single(name: str, doc: str, *steps: str, deprecated: bool = False) -> Field:
    def read(event: DataEvent) -> str | None:
        record = _record(event)
        return None if record is None else as_value(walk(record, steps))

    return _field(name, doc, read=read, deprecated=deprecated)


def _computed(
    name: str, doc: str, compute: Callable[[dict[str, Any]], str | None], *, deprecated: bool = False
) -> Field:
    def read(event: DataEvent) -> str | None:
        record = _record(event)
        return None if record is None else compute(record)

    return _field(name, doc, read=read, deprecated=deprecated)


def _keyed(
    name: str, doc: str, compute: Callable[[dict[str, Any], str], str | None], *, deprecated: bool = False
) -> Field:
    def bind(argument: str | None, _: str | None) -> Reader:
        def read(event: DataEvent) -> str | None:
            record = _record(event)
            return None if record is None else compute(record, argument or "")

        return read

    return _field(name, doc, bind=bind, argument=Argument.KEY, deprecated=deprecated)


def _several(name: str, doc: str, values: Callable[[dict[str, Any], int | None], list[str]], *, index: bool) -> Field:
    def bind(argument: str | None, _: str | None) -> Reader:
        position = None if argument is None else int(argument)

        def read(event: DataEvent) -> tuple[str, ...] | None:
            record = _record(event)
            return None if record is None else tuple(values(record, position)) or None

        return read

    return _field(name, doc, bind=bind, argument=Argument.INDEX_OPTIONAL if index else Argument.NONE, is_list=True)


def _field(
    name: str,
    doc: str,
    *,
    read: Reader | None = None,
    bind: Callable[[str | None, str | None], Reader] | None = None,
    argument: Argument = Argument.NONE,
    is_list: bool = False,
    deprecated: bool = False,
) -> Field:
    return Field(
        name=f"ka.{name}",
        type=FieldType.STRING,
        doc=doc,
        read=read,
        bind=bind,
        argument=argument,
        is_list=is_list,
        sources=_SOURCES,
        traits=frozenset({"deprecated"}) if deprecated else frozenset(),
    )


def _elements(*steps: str) -> Callable[[dict[str, Any], int | None], list[str]]:
    """Each element of the array there as a value."""

    def values(record: dict[str, Any], _: int | None) -> list[str]:
        return [text for item in _list_at(record, *steps) if (text := as_value(item)) is not None]

    return values


def _part(kind: str, read: Callable[[Any, dict[str, Any]], list[str] | None]) -> Any:
    """Of each container of a kind (or of the one with the index), what `read` gives; None: the field is missing."""

    def values(record: dict[str, Any], position: int | None) -> list[str]:
        found: list[str] = []
        containers = _list_at(record, *_POD, kind)
        for container in containers if position is None else containers[position : position + 1]:
            part = read(container, record)
            if part is None:
                return []
            found += part
        return found

    return values


def _must(*steps: str) -> Callable[[Any, dict[str, Any]], list[str] | None]:
    def read(container: Any, _: dict[str, Any]) -> list[str] | None:
        text = as_value(walk(container, steps))
        return None if text is None else [text]

    return read


def _may(*steps: str) -> Callable[[Any, dict[str, Any]], list[str]]:
    def read(container: Any, _: dict[str, Any]) -> list[str]:
        text = as_value(walk(container, steps))
        return [] if text is None else [text]

    return read


def _words(key: str) -> Callable[[Any, dict[str, Any]], list[str]]:
    def read(container: Any, _: dict[str, Any]) -> list[str]:
        words = _list_at(container, key)
        return [" ".join(as_value(word) or "" for word in words)] if words else []

    return read


def _ports(container: Any, _: dict[str, Any]) -> list[str]:
    found = []
    for port in _list_at(container, "ports"):
        number = walk(port, ("hostPort",))
        text = as_value(walk(port, ("containerPort",)) if number is ABSENT else number)
        if text is not None:
            found.append(text)
    return found


def _identity(key: str) -> Callable[[Any, dict[str, Any]], list[str]]:
    def read(container: Any, record: dict[str, Any]) -> list[str]:
        for value in (walk(container, ("securityContext", key)), walk(record, (*_POD, "securityContext", key))):
            text = as_value(value)
            if text is not None:
                return [text]
        return ["0"]

    return read


def repository(image: str) -> str:
    """The image's name without digest and tag; the port of a registry is no tag."""
    name = image.partition("@")[0]
    slash = name.rfind("/")
    colon = name.rfind(":")
    return name[:colon] if colon > slash else name


def _repository(container: Any, _: dict[str, Any]) -> list[str] | None:
    text = as_value(walk(container, ("image",)))
    return None if text is None else [repository(text)]


def _containers(kind: str, word: str) -> tuple[Field, ...]:
    security = "securityContext"
    parts: list[tuple[str, str, Callable[[Any, dict[str, Any]], list[str] | None]]] = [
        ("name", "Names", _must("name")),
        ("image", "Images", _must("image")),
        ("image.repository", "Repositories of the images", _repository),
        ("command", "Commands, each as one text,", _words("command")),
        ("args", "Arguments of the commands, each as one text,", _words("args")),
        ("host_port", "Ports of the host (or of the container, where no host port is given)", _ports),
        ("privileged", "The flag privileged", _may(security, "privileged")),
        ("allow_privilege_escalation", "The flag allowPrivilegeEscalation", _may(security, "allowPrivilegeEscalation")),
        ("read_only_fs", "The flag readOnlyRootFilesystem", _may(security, "readOnlyRootFilesystem")),
        ("run_as_user", "User ids asked for", _may(security, "runAsUser")),
        ("eff_run_as_user", "User ids, the pod's or 0 where a container asks for none,", _identity("runAsUser")),
        ("run_as_group", "Group ids asked for", _may(security, "runAsGroup")),
        ("eff_run_as_group", "Group ids, the pod's or 0 where a container asks for none,", _identity("runAsGroup")),
        ("proc_mount", "Kinds of /proc mount", _may(security, "procMount")),
        ("add_capabilities", "Capabilities added, each array as JSON,", _may(security, "capabilities", "add")),
    ]
    return tuple(
        _several(f"req.pod.{kind}.{name}", f"{doc} of the {word} in the request.", _part(kind, read), index=True)
        for name, doc, read in parts
        if not (kind == "ephemeralContainers" and name == "host_port")
    )


def _subjects(kind: str, *, namespaced: bool = False) -> Callable[[dict[str, Any], int | None], list[str]]:
    def values(record: dict[str, Any], _: int | None) -> list[str]:
        found = []
        for subject in _list_at(record, "requestObject", "subjects"):
            name = as_value(walk(subject, ("name",)))
            if walk(subject, ("kind",)) != kind or name is None:
                continue
            space = as_value(walk(subject, ("namespace",))) or ""
            found.append(f"{space}:{name}" if namespaced else name)
        return found

    return values


def _flattened(key: str) -> Callable[[dict[str, Any], int | None], list[str]]:
    def values(record: dict[str, Any], position: int | None) -> list[str]:
        rules = _list_at(record, "requestObject", "rules")
        chosen = rules if position is None else rules[position : position + 1]
        return [text for rule in chosen for item in _list_at(rule, key) if (text := as_value(item)) is not None]

    return values


def _volumes(*steps: str) -> Callable[[dict[str, Any], int | None], list[str]]:
    def values(record: dict[str, Any], position: int | None) -> list[str]:
        volumes = _list_at(record, *_POD, "volumes")
        chosen = volumes if position is None else volumes[position : position + 1]
        return [text for volume in chosen if (text := as_value(walk(volume, steps))) is not None]

    return values


def _volume_types(record: dict[str, Any], position: int | None) -> list[str]:
    volumes = _list_at(record, *_POD, "volumes")
    chosen = volumes if position is None else volumes[position : position + 1]
    return [key for volume in chosen if isinstance(volume, dict) for key in volume if key != "name"]


def _service_ports(record: dict[str, Any], _: int | None) -> list[str]:
    text = as_value(walk(record, (*_POD, "ports")))
    return [] if text is None else [text]


def _param(record: dict[str, Any], key: str) -> str | None:
    uri = record.get("requestURI")
    if not isinstance(uri, str):
        return None
    try:
        found = parse_qs(urlsplit(uri).query, keep_blank_values=True).get(key)
    except ValueError:
        return None
    return found[0] if found else None


def _target_pod(record: dict[str, Any]) -> str | None:
    reference = record.get("objectRef")
    if walk(reference, ("resource",)) != "pods" or walk(reference, ("subresource",)) not in (ABSENT, ""):
        return None
    return as_value(walk(record, ("responseObject", "metadata", "name")))


def _host_path(record: dict[str, Any], key: str) -> str:
    paths = _volumes("hostPath", "path")(record, None)
    hit = any(path.startswith(key[:-1]) if key.endswith("*") else path == key for path in paths)
    return "true" if hit else "false"


def _any_privileged(record: dict[str, Any]) -> str:
    flags = [walk(item, ("securityContext", "privileged")) for item in _list_at(record, *_POD, "containers")]
    return "true" if True in flags else "false"


def _first_repository(record: dict[str, Any]) -> str | None:
    image = as_value(walk(record, (*_POD, "containers", "0", "image")))
    return None if image is None else repository(image)


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
    ("req.pod.host_ipc", "The flag hostIPC of the pod.", (*_POD, "hostIPC")),
    ("req.pod.host_network", "The flag hostNetwork of the pod.", (*_POD, "hostNetwork")),
    ("req.pod.host_pid", "The flag hostPID of the pod.", (*_POD, "hostPID")),
    ("req.pod.run_as_user", "The pod's user id.", (*_POD, "securityContext", "runAsUser")),
    ("req.pod.run_as_group", "The pod's group id.", (*_POD, "securityContext", "runAsGroup")),
    ("req.pod.fs_group", "The pod's fsGroup.", (*_POD, "securityContext", "fsGroup")),
    ("req.service.type", "The type of the service.", (*_POD, "type")),
    ("resp.name", "Name of the object in the response.", ("responseObject", "metadata", "name")),
    ("response.code", "Code of the response.", ("responseStatus", "code")),
    ("response.reason", "Reason in the response.", ("responseStatus", "reason")),
    ("useragent", "The client's user agent.", ("userAgent",)),
    ("cluster.name", "Name of the cluster.", ("annotations", "cluster_name")),
)

_LISTS: Final = (
    _several("user.groups", "Groups of the user who asked.", _elements("user", "groups"), index=False),
    _several(
        "req.binding.subjects",
        "Subjects of a binding, each as JSON.",
        _elements("requestObject", "subjects"),
        index=False,
    ),
    _several("req.binding.subjects.user_names", "Users among them.", _subjects("User"), index=False),
    _several(
        "req.binding.subjects.serviceaccount_names",
        "Service accounts among them.",
        _subjects("ServiceAccount"),
        index=False,
    ),
    _several("req.binding.subjects.group_names", "Groups among them.", _subjects("Group"), index=False),
    _several(
        "req.binding.subjects.serviceaccount_ns_names",
        "Service accounts among them, as NAMESPACE:NAME.",
        _subjects("ServiceAccount", namespaced=True),
        index=False,
    ),
    _several(
        "req.pod.supplemental_groups",
        "The pod's supplemental groups.",
        _elements(*_POD, "securityContext", "supplementalGroups"),
        index=False,
    ),
    _several("req.role.rules", "Rules of the role, each as JSON.", _elements("requestObject", "rules"), index=False),
    _several("req.role.rules.apiGroups", "API groups in the rules of the role.", _flattened("apiGroups"), index=True),
    _several(
        "req.role.rules.nonResourceURLs", "URLs in the rules of the role.", _flattened("nonResourceURLs"), index=True
    ),
    _several("req.role.rules.verbs", "Verbs in the rules of the role.", _flattened("verbs"), index=True),
    _several("req.role.rules.resources", "Resources in the rules of the role.", _flattened("resources"), index=True),
    _several("req.service.ports", "Ports of the service, the whole array as JSON.", _service_ports, index=True),
    _several(
        "req.pod.volumes.hostpath", "Paths of the host that are mounted.", _volumes("hostPath", "path"), index=True
    ),
    _several(
        "req.pod.volumes.flexvolume_driver", "Drivers of flexVolumes.", _volumes("flexVolume", "driver"), index=True
    ),
    _several("req.pod.volumes.volume_type", "Kinds of the volumes.", _volume_types, index=True),
    _several("sourceips", "The client's addresses.", _elements("sourceIPs"), index=True),
)

_OTHERS: Final = (
    _keyed("uri.param", "The first value of a parameter in the request's URI.", _param),
    _computed("target.pod.name", "Name of the pod in the response to a request about pods.", _target_pod),
    _keyed("req.binding.subject.has_name", "Always `true`.", lambda _record, _key: "true", deprecated=True),
    _single("req.container.image", "Image of the first container.", *_POD, "containers", "0", "image", deprecated=True),
    _computed("req.container.image.repository", "Its repository.", _first_repository, deprecated=True),
    _single("req.container.host_network", "The flag hostNetwork of the pod.", *_POD, "hostNetwork", deprecated=True),
    _computed(
        "req.container.privileged",
        "`true` if any container is privileged, else `false`.",
        _any_privileged,
        deprecated=True,
    ),
    _keyed(
        "req.volume.hostpath",
        "`true` if this path of the host is mounted (a `*` at the end: anything that begins so), else `false`.",
        _host_path,
        deprecated=True,
    ),
)

FIELDS: Final[tuple[Field, ...]] = (
    *(_single(name, doc, *steps) for name, doc, steps in _SINGLE),
    *_LISTS,
    *_containers("containers", "containers"),
    *_containers("initContainers", "init containers"),
    *_containers("ephemeralContainers", "ephemeral containers"),
    *_OTHERS,
)
