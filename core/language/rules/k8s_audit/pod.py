"""Pods in audit records: containers, volumes, images."""

from collections.abc import Callable

from mozu.core.language.rules.json_fields import ABSENT, as_value, walk
from mozu.core.language.rules.k8s_audit.record import POD_SPEC, list_at, several
from mozu.core.model.fields import Field
from mozu.core.model.value_types import Json, JsonObject

_Read = Callable[[Json, JsonObject], list[str] | None]


def _part(kind: str, read: _Read) -> Callable[[JsonObject, int | None], list[str]]:
    """Return a function that applies `read` to each container of a kind (or to the one at the index); None from `read`
    makes
    the field missing.
    """

    def values(record: JsonObject, position: int | None) -> list[str]:
        found: list[str] = []
        listed = list_at(record, *POD_SPEC, kind)
        for container in listed if position is None else listed[position : position + 1]:
            part = read(container, record)
            if part is None:
                return []
            found += part
        return found

    return values


def _must(*steps: str) -> Callable[[Json, JsonObject], list[str] | None]:
    def read(container: Json, _: JsonObject) -> list[str] | None:
        text = as_value(walk(container, steps))
        return None if text is None else [text]

    return read


def _may(*steps: str) -> Callable[[Json, JsonObject], list[str]]:
    def read(container: Json, _: JsonObject) -> list[str]:
        text = as_value(walk(container, steps))
        return [] if text is None else [text]

    return read


def _words(key: str) -> Callable[[Json, JsonObject], list[str]]:
    def read(container: Json, _: JsonObject) -> list[str]:
        words = list_at(container, key)
        return [" ".join(as_value(word) or "" for word in words)] if words else []

    return read


def _ports(container: Json, _: JsonObject) -> list[str]:
    found = []
    for port in list_at(container, "ports"):
        number = walk(port, ("hostPort",))
        text = as_value(walk(port, ("containerPort",)) if number is ABSENT else number)
        if text is not None:
            found.append(text)
    return found


def _identity(key: str) -> Callable[[Json, JsonObject], list[str]]:
    def read(container: Json, record: JsonObject) -> list[str]:
        for value in (walk(container, ("securityContext", key)), walk(record, (*POD_SPEC, "securityContext", key))):
            text = as_value(value)
            if text is not None:
                return [text]
        return ["0"]

    return read


def repository(image: str) -> str:
    """Return the image's name without digest and tag; the port of a registry is not a tag."""
    name = image.partition("@")[0]
    slash = name.rfind("/")
    colon = name.rfind(":")
    return name[:colon] if colon > slash else name


def _repository(container: Json, _: JsonObject) -> list[str] | None:
    text = as_value(walk(container, ("image",)))
    return None if text is None else [repository(text)]


def containers(kind: str, word: str) -> tuple[Field, ...]:
    """Return the fields of one kind of container of the requested pod; `word` names the kind in their descriptions."""
    security = "securityContext"
    parts: list[tuple[str, str, Callable[[Json, JsonObject], list[str] | None]]] = [
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
        several(f"req.pod.{kind}.{name}", f"{doc} of the {word} in the request.", _part(kind, read), index=True)
        for name, doc, read in parts
        if not (kind == "ephemeralContainers" and name == "host_port")
    )


def volumes(*steps: str) -> Callable[[JsonObject, int | None], list[str]]:
    """Return a function that reads a text of each of the pod's volumes, or of the one at the index."""

    def values(record: JsonObject, position: int | None) -> list[str]:
        listed = list_at(record, *POD_SPEC, "volumes")
        chosen = listed if position is None else listed[position : position + 1]
        return [text for volume in chosen if (text := as_value(walk(volume, steps))) is not None]

    return values


def volume_types(record: JsonObject, position: int | None) -> list[str]:
    """Return the kinds of the volumes: their keys besides `name`."""
    listed = list_at(record, *POD_SPEC, "volumes")
    chosen = listed if position is None else listed[position : position + 1]
    return [key for volume in chosen if isinstance(volume, dict) for key in volume if key != "name"]


def host_path(record: JsonObject, key: str) -> str:
    """Return `true` if the path of the host is mounted; a `*` at the end matches any rest."""
    paths = volumes("hostPath", "path")(record, None)
    hit = any(path.startswith(key[:-1]) if key.endswith("*") else path == key for path in paths)
    return "true" if hit else "false"


def any_privileged(record: JsonObject) -> str:
    """Return `true` if any container is privileged."""
    flags = [walk(item, ("securityContext", "privileged")) for item in list_at(record, *POD_SPEC, "containers")]
    return "true" if True in flags else "false"


def first_repository(record: JsonObject) -> str | None:
    """Return the repository of the first container's image."""
    image = as_value(walk(record, (*POD_SPEC, "containers", "0", "image")))
    return None if image is None else repository(image)
