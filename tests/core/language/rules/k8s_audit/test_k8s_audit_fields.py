import pytest

from mozu.core.language.rules.k8s_audit.fields import FIELDS
from mozu.core.language.rules.k8s_audit.pod import repository
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field
from tests.core.language.rules.small import registry

POD = {
    "hostNetwork": True,
    "securityContext": {"runAsUser": 7, "supplementalGroups": [1, 2]},
    "containers": [
        {
            "name": "one",
            "image": "registry:5000/team/app:1.2@sha256:ab",
            "command": ["sh", "-c"],
            "ports": [{"containerPort": 80}, {"hostPort": 8080, "containerPort": 81}],
            "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}},
        },
        {"name": "two", "image": "busybox", "securityContext": {"runAsUser": 0}},
    ],
    "volumes": [{"name": "v", "hostPath": {"path": "/etc"}}, {"name": "w", "emptyDir": {}}],
}
RECORD = {
    "auditID": "1",
    "verb": "create",
    "requestURI": "/api/v1/pods/x/exec?command=ls&command=-l&empty=",
    "sourceIPs": ["192.0.2.1"],
    "user": {"username": "ann", "groups": ["a", "b"]},
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "objectRef": {"resource": "pods", "name": "x"},
    "responseStatus": {"code": 201},
    "responseObject": {"metadata": {"name": "x-1"}},
    "requestObject": {
        "spec": POD,
        "rules": [{"verbs": ["get", "list"], "resources": ["*"]}, {"verbs": ["watch"]}],
        "subjects": [
            {"kind": "User", "name": "bob"},
            {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"},
        ],
    },
}


def _read(field: str, argument: str | None = None, record: object = RECORD) -> object:
    return registry().resolve(f"ka.{field}", argument).read(DataEvent("k8s_audit", "json", 1, data=record))


@pytest.mark.parametrize(
    ("field", "argument", "value"),
    [
        ("verb", None, "create"),
        ("user.name", None, "ann"),
        ("user.groups", None, ("a", "b")),
        ("auth.decision", None, "allow"),
        ("response.code", None, "201"),
        ("impuser.name", None, None),
        ("uri.param", "command", "ls"),
        ("uri.param", "empty", ""),
        ("uri.param", "no", None),
        ("target.pod.name", None, "x-1"),
        ("req.pod.host_network", None, "true"),
        ("req.pod.host_pid", None, None),
        ("req.pod.supplemental_groups", None, ("1", "2")),
        ("req.pod.containers.name", None, ("one", "two")),
        ("req.pod.containers.name", "1", ("two",)),
        ("req.pod.containers.name", "2", None),
        ("req.pod.containers.image.repository", None, ("registry:5000/team/app", "busybox")),
        ("req.pod.containers.command", None, ("sh -c",)),
        ("req.pod.containers.host_port", None, ("80", "8080")),
        ("req.pod.containers.privileged", None, ("true",)),
        ("req.pod.containers.eff_run_as_user", None, ("7", "0")),
        ("req.pod.containers.eff_run_as_group", None, ("0", "0")),
        ("req.pod.containers.add_capabilities", None, ('["SYS_ADMIN"]',)),
        ("req.pod.initContainers.name", None, None),
        ("req.pod.volumes.hostpath", None, ("/etc",)),
        ("req.pod.volumes.volume_type", None, ("hostPath", "emptyDir")),
        ("req.volume.hostpath", "/etc", "true"),
        ("req.volume.hostpath", "/e*", "true"),
        ("req.volume.hostpath", "/var", "false"),
        ("req.role.rules.verbs", None, ("get", "list", "watch")),
        ("req.role.rules.verbs", "1", ("watch",)),
        ("req.role.rules", None, ('{"verbs":["get","list"],"resources":["*"]}', '{"verbs":["watch"]}')),
        ("req.binding.subjects.user_names", None, ("bob",)),
        ("req.binding.subjects.group_names", None, None),
        ("req.binding.subjects.serviceaccount_ns_names", None, ("ns:sa",)),
        ("req.container.privileged", None, "true"),
        ("req.container.image.repository", None, "registry:5000/team/app"),
        ("sourceips", None, ("192.0.2.1",)),
    ],
)
def test_a_field_of_the_audit_log(field: str, argument: str | None, value: object) -> None:
    assert value == _read(field, argument)


@pytest.mark.parametrize("record", [None, [], "x", {}, {"verb": "get"}], ids=str)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_without_an_audit_id_every_field_is_missing(field: Field, record: object) -> None:
    name, argument = field.name.removeprefix("ka."), "x" if field.argument is Argument.KEY else None

    assert None is _read(name, argument, record)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("filling", [None, 1, "x", [], ["x", None, 3], {"x": []}], ids=str)
def test_a_record_of_another_shape_never_raises(field: Field, filling: object) -> None:
    record = dict.fromkeys(RECORD, filling) | {"auditID": "1", "requestObject": {"spec": filling, "rules": filling}}
    name, argument = field.name.removeprefix("ka."), "x" if field.argument is Argument.KEY else None

    value = _read(name, argument, record)

    assert value is None or isinstance(value, str | tuple)


@pytest.mark.parametrize(
    ("image", "name"),
    [("a", "a"), ("a:1", "a"), ("r:5000/a", "r:5000/a"), ("r:5000/a:1@sha256:b", "r:5000/a"), ("a@sha256:b", "a")],
)
def test_the_repository_of_an_image(image: str, name: str) -> None:
    assert name == repository(image)
