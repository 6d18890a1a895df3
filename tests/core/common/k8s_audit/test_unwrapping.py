"""Audit events are found in the forms in which the API server, EKS, GKE and AKS send them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mozu.core.common.k8s_audit.unwrapping import Unwrapper

EVENT = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a1", "stage": "ResponseComplete",
    "verb": "get", "requestURI": "/api/v1/pods", "stageTimestamp": "2026-12-02T14:22:56.366113Z",
}  # fmt: skip
OTHER = {**EVENT, "auditID": "a2"}

GKE: dict[str, Any] = {
    "insertId": "i1",
    "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
    "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "west", "project_id": "p"}},
    "timestamp": "2026-12-02T14:22:56.366113Z",
    "labels": {"authorization.k8s.io/reason": "access granted by IAM permissions."},
    "operation": {"id": "a1", "producer": "k8s.io", "first": True, "last": True},
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "k8s.io",
        "methodName": "io.k8s.core.v1.pods.exec.create",
        "resourceName": "core/v1/namespaces/shop/pods/web-1/exec",
        "authenticationInfo": {"principalEmail": "eve@example.com"},
        "authorizationInfo": [{"granted": True, "permission": "io.k8s.core.v1.pods.exec.create"}],
        "requestMetadata": {"callerIp": "192.0.2.1", "callerSuppliedUserAgent": "kubectl/v1.34.2"},
        "request": {"spec": {"nodeName": "n"}},
        "status": {"code": 7},
    },
}
"""An entry of Cloud Logging, with the fields that `LogEntry` and `AuditLog` document."""


def cloudwatch(*messages: str, stream: str = "kube-apiserver-audit-0a1b", kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    return {
        "messageType": kind, "owner": "123456789012", "logGroup": "/aws/eks/west/cluster", "logStream": stream,
        "subscriptionFilters": ["f"],
        "logEvents": [{"id": str(number), "timestamp": 1, "message": one} for number, one in enumerate(messages)],
    }  # fmt: skip


def azure(event: object, category: str = "kube-audit") -> dict[str, Any]:
    return {
        "time": "2026-12-02T14:22:57.0Z", "category": category, "operationName": "Microsoft.ContainerService/managed",
        "properties": {"log": json.dumps(event), "stream": "stdout", "pod": "kube-apiserver-1"},
    }  # fmt: skip


def found(document: Any) -> list[str]:
    """Return the auditIDs, then the reasons of refusals."""
    unwrapper = Unwrapper()
    events = [str(event["auditID"]) for event in unwrapper.events(document)]
    return events + [f"{reason}: {count}" for reason, count in unwrapper.refused.items()]


@pytest.mark.parametrize(
    "document",
    [
        [EVENT, OTHER],
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [EVENT, OTHER]},
        cloudwatch(json.dumps(EVENT), json.dumps(OTHER)),
        {"records": [azure(EVENT), azure(OTHER, "kube-audit-admin")]},
        [{"records": [azure(EVENT)]}, azure(OTHER)],
        [cloudwatch(json.dumps(EVENT)), OTHER],
    ],
    ids=["array", "EventList", "EKS", "AKS", "Event Hubs", "mixed"],
)
def test_every_event_of_a_wrapper_is_found_in_order(document: Any) -> None:
    assert ["a1", "a2"] == found(document)


def test_a_single_event_is_itself() -> None:
    assert [EVENT] == [*Unwrapper().events(EVENT)]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (1, "no audit event: 1"),
        ({}, "no audit event: 1"),
        ({"auditID": ""}, "no audit event: 1"),
        ({"auditID": 5}, "no audit event: 1"),
        ({"kind": "PodList", "items": [EVENT]}, "no audit event: 1"),
        (cloudwatch("cut off {"), "no JSON: 1"),
        (cloudwatch("I1202 scheduling", stream="kube-scheduler-0a1b"), "other log: 1"),
        ({**cloudwatch(), "logEvents": [5, {"message": None}]}, "no audit event: 2"),
        (azure(EVENT, "kube-scheduler"), "other log: 1"),
        ({**azure(EVENT), "properties": {}}, "no audit event: 1"),
        ({**GKE, "protoPayload": {**GKE["protoPayload"], "serviceName": "container.googleapis.com"}}, "other log: 1"),
        ([[[[[[[[EVENT]]]]]]]], "nested too deeply: 1"),
    ],
)  # fmt: skip
def test_what_is_no_audit_event_is_refused_with_a_reason(document: Any, reason: str) -> None:
    assert [reason] == found(document)


def test_an_event_beside_something_else_is_still_found() -> None:
    assert ["a1", "no JSON: 1"] == found(cloudwatch("cut off {", json.dumps(EVENT)))


def test_a_check_of_the_destination_by_cloudwatch_is_no_error() -> None:
    assert [] == found(cloudwatch("CWL CONTROL MESSAGE: Checking health of destination", kind="CONTROL_MESSAGE"))


def test_an_entry_of_gke_becomes_the_event_of_its_api_server() -> None:
    (event,) = Unwrapper().events(GKE)
    assert {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": "a1",
        "stage": "ResponseComplete",
        "verb": "create",
        "user": {"username": "eve@example.com"},
        "sourceIPs": ["192.0.2.1"],
        "userAgent": "kubectl/v1.34.2",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec",
        "objectRef": {
            "apiVersion": "v1", "namespace": "shop", "resource": "pods", "name": "web-1", "subresource": "exec"
        },
        "requestObject": {"spec": {"nodeName": "n"}},
        "responseStatus": {"metadata": {}, "code": 403},
        "stageTimestamp": "2026-12-02T14:22:56.366113Z",
        "requestReceivedTimestamp": "2026-12-02T14:22:56.366113Z",
        "annotations": {
            "cluster_name": "west", "project_id": "p",
            "authorization.k8s.io/reason": "access granted by IAM permissions.",
            "authorization.k8s.io/decision": "allow",
        },
    } == event  # fmt: skip


@pytest.mark.parametrize(
    ("path", "uri", "reference"),
    [
        ("healthz", "/healthz", None),
        ("core/v1/nodes/n1", "/api/v1/nodes/n1", {"apiVersion": "v1", "resource": "nodes", "name": "n1"}),
        (
            "core/v1/namespaces/shop", "/api/v1/namespaces/shop",
            {"apiVersion": "v1", "namespace": "shop", "resource": "namespaces", "name": "shop"},
        ),
        (
            "core/v1/namespaces/shop/finalize", "/api/v1/namespaces/shop/finalize",
            {
                "apiVersion": "v1", "namespace": "shop", "resource": "namespaces", "name": "shop",
                "subresource": "finalize",
            },
        ),
        (
            "rbac.authorization.k8s.io/v1/clusterroles/system:node",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            {
                "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1", "resource": "clusterroles",
                "name": "system:node",
            },
        ),
    ],
)  # fmt: skip
def test_the_target_of_an_entry_of_gke(path: str, uri: str, reference: object) -> None:
    entry: Any = {**GKE, "protoPayload": {**GKE["protoPayload"], "resourceName": path}}
    (event,) = Unwrapper().events(entry)
    assert (uri, reference) == (event["requestURI"], event.get("objectRef"))


@pytest.mark.parametrize("filling", [None, 1, "x", [], {}, ["x", None], {"x": []}], ids=str)
@pytest.mark.parametrize("wrap", [lambda: GKE, lambda: cloudwatch("{}"), lambda: azure({}), lambda: {"records": [GKE]}])
def test_a_wrapper_with_values_of_other_types_never_raises(wrap: Callable[[], dict[str, Any]], filling: Any) -> None:
    document = wrap()
    for key in document:
        found({**document, key: filling})
        inner = document[key]
        for name in inner if isinstance(inner, dict) else ():
            found({**document, key: {**inner, name: filling}})
