"""An entry of Google Cloud's log (`LogEntry` with an `AuditLog`) → the audit event that GKE's API server had written.

GKE does not hand out the API server's own events. What the entry has no place for is missing: groups, impersonation,
the stage (an entry is written when the response is complete).
"""

from typing import Final
from urllib.parse import quote

from mozu.core.model.value_types import Json, JsonObject

_SERVICE: Final = "k8s.io"
_METHOD: Final = "io.k8s."
_COLLECTIONS_OF_NAMESPACES: Final = frozenset({"status", "finalize"})
"""Subresources of a namespace; anything else below its name is a resource in it."""
_CODES: Final = {
    0: 200, 3: 400, 16: 401, 7: 403, 5: 404, 6: 409, 10: 409, 9: 422, 8: 429, 13: 500, 14: 503, 4: 504,
}  # fmt: skip
"""Code of google.rpc.Status → status of HTTP (google/rpc/code.proto)."""


def is_log_entry(document: JsonObject) -> bool:
    """Return True for an entry with an `AuditLog`."""
    return isinstance(document.get("protoPayload"), dict) and ("insertId" in document or "logName" in document)


def audit_event_of(entry: JsonObject) -> JsonObject | None:
    """Return the audit event; None if the entry is of another service than the Kubernetes API."""
    payload = _dict(entry["protoPayload"])
    method = _text(payload.get("methodName"))
    if payload.get("serviceName") != _SERVICE or not method.startswith(_METHOD):
        return None
    metadata = _dict(payload.get("requestMetadata"))
    path = _text(payload.get("resourceName"))
    request, response = payload.get("request"), payload.get("response")
    operation = _dict(entry.get("operation"))
    event: JsonObject = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse" if response is not None else "Request" if request is not None else "Metadata",
        "auditID": _text(operation.get("id")) or _text(entry.get("insertId")),
        "stage": "ResponseComplete",
        "verb": method.rpartition(".")[2],
        "user": {"username": _text(_dict(payload.get("authenticationInfo")).get("principalEmail"))},
        "stageTimestamp": entry.get("timestamp"),
        "requestReceivedTimestamp": entry.get("timestamp"),
        "annotations": _annotations(entry, payload),
        "responseStatus": {"metadata": {}, "code": _code(_dict(payload.get("status")))},
        **_target(path),
    }
    if address := metadata.get("callerIp"):
        event["sourceIPs"] = [address]
    if agent := metadata.get("callerSuppliedUserAgent"):
        event["userAgent"] = agent
    for key, value in (("requestObject", request), ("responseObject", response)):
        if value is not None:
            event[key] = value
    return event if event["auditID"] else None


def _target(path: str) -> JsonObject:
    """Return `requestURI`, and `objectRef` unless the path is of no resource (`healthz`). A path is `GROUP/VERSION/…`,
    where the group of the oldest resources is `core`."""
    group, _, rest = path.partition("/")
    version, _, rest = rest.partition("/")
    steps = rest.split("/") if rest else []
    if not steps:
        return {"requestURI": f"/{path}"}
    core = group == "core"
    uri = quote(f"/api/{version}/{rest}" if core else f"/apis/{group}/{version}/{rest}")
    reference: JsonObject = {"apiVersion": version} if core else {"apiGroup": group, "apiVersion": version}
    if steps[0] == "namespaces" and len(steps) > 2 and steps[2] not in _COLLECTIONS_OF_NAMESPACES:
        reference["namespace"] = steps[1]
        steps = steps[2:]
    elif steps[0] == "namespaces" and len(steps) > 1:
        reference["namespace"] = steps[1]
    for key, step in zip(("resource", "name", "subresource"), steps, strict=False):
        reference[key] = step
    return {"requestURI": uri, "objectRef": reference}


def _annotations(entry: JsonObject, payload: JsonObject) -> JsonObject:
    """Return the entry's labels, in which GKE keeps the event's annotations, with those of the cluster; the decision
    follows from `authorizationInfo` if no label has it."""
    found = {**_dict(_dict(entry.get("resource")).get("labels")), **_dict(entry.get("labels"))}
    checks = payload.get("authorizationInfo")
    if isinstance(checks, list) and checks:
        granted = all(isinstance(one, dict) and one.get("granted") is True for one in checks)
        found.setdefault("authorization.k8s.io/decision", "allow" if granted else "forbid")
    return found


def _code(status: JsonObject) -> int:
    """Return the status of HTTP; Google's codes are below 17."""
    code = status.get("code", 0)
    if not isinstance(code, int):
        return 0
    return _CODES.get(code, 500) if code < 17 else code


def _dict(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
