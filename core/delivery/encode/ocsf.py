"""OCSF 1.8: the alert as a Detection Finding (class 2004) with the profile `host`, and `container` in containers."""

import re
from typing import Final
from uuid import UUID

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.common.host_identity import agent_id
from mozu.core.delivery.encode import rule_notes
from mozu.core.delivery.encode.document import filled, one_line
from mozu.core.delivery.encode.known import (
    HOMES,
    IDENTITY,
    PROCESS,
    RAW,
    REQUESTED_FIELDS,
    Connection,
    Known,
    name_of,
)
from mozu.core.delivery.encode.ocsf_process import actor, login, process
from mozu.core.delivery.encode.product import NAME, rule_id, slug, version
from mozu.core.delivery.encode.schema import always
from mozu.core.model.alert import Alert, Stamp, attack
from mozu.core.model.alert.attack import Attack, Tactic, Technique, Version
from mozu.core.model.event import printable
from mozu.core.model.value_types import JsonObject

VERSION: Final = "1.8.0"
_CATEGORY: Final = 2
_CLASS: Final = 2004
_CREATE: Final = 1
_RULE: Final = 1
_OS: Final[JsonObject] = {"name": "Linux", "type_id": 200}
_UNKNOWN, _REGULAR = 0, 1
_FILE_TYPES: Final = {"file": 1, "dir": 2, "symlink": 7}
_INBOUND, _OUTBOUND, _LOCAL = 1, 2, 4
_LOCALHOST: Final = 1
"""Values of `boundary_id`."""
_PROTOCOLS: Final = {"icmp": 1, "tcp": 6, "udp": 17}
_MACHINE_ID: Final = re.compile(r"[0-9a-f]{32}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HOMES_WITHOUT_PROCESS: Final = HOMES.difference(PROCESS)


class OcsfSettings(Settings):
    """Options of the format `ocsf`."""

    unmapped: bool = Field(True, description="The output's fields that the class has no place for, under `unmapped`.")
    raw: bool = Field(False, description="The event with all of its parameters, as a JSON text in `raw_data`.")
    attack: Version = Field("19", description="The version of ATT&CK in whose words tactics are named.")


class Ocsf:
    """Encoder that uses only attributes of the class and its profiles."""

    def __init__(self, settings: OcsfSettings | None = None) -> None:
        self._settings = settings or OcsfSettings()

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the event as one line."""
        return one_line(self.document(alert, stamp))

    def document(self, alert: Alert, stamp: Stamp | None = None) -> JsonObject:
        """Return the event as Python values. The stamp is `metadata.sequence`, `metadata.reporter` (the agent) and the
        only element of `metadata.loggers` (the sink, its epoch as `uid`)."""
        known = Known(alert)
        container, acting = _container(known), process(known)
        levels = alert.priority.levels
        return filled(
            class_uid=_CLASS,
            class_name="Detection Finding",
            category_uid=_CATEGORY,
            category_name="Findings",
            activity_id=_CREATE,
            activity_name="Create",
            type_uid=_CLASS * 100 + _CREATE,
            type_name="Detection Finding: Create",
            time=alert.time // 1_000_000,
            severity_id=levels.ocsf,
            severity=levels.ocsf_name,
            status_id=1,
            status="New",
            is_alert=alert.source != "internal",
            message=printable(alert.message()),
            metadata=_metadata(alert, known, stamp, ["host", "container"] if container else ["host"]),
            finding_info=self._finding(alert),
            device=_device(alert, known),
            actor=actor(known, acting),
            evidences=[evidence] if (evidence := _evidence(known, acting, container)) else None,
            resources=_resources(known),
            remediation=rule_notes.ocsf_remediation(alert.notes, alert.next),
            risk_details=rule_notes.said(alert.notes).get("why"),
            raw_data=known.raw_event() if self._settings.raw else None,
            unmapped=self._unmapped(alert, known),
        )

    def _finding(self, alert: Alert) -> JsonObject:
        mapping = attack(alert.tags, self._settings.attack)
        name, millis = printable(alert.rule), alert.time // 1_000_000
        return filled(
            uid=alert.id or slug(alert.rule),
            title=name,
            created_time=millis,
            desc=rule_notes.said(alert.notes).get("description"),
            tags=rule_notes.ocsf_tags(alert.notes),
            analytic={
                "name": name,
                "uid": rule_id(alert),
                "type_id": _RULE,
                "type": "Rule",
                **rule_notes.ocsf_analytic(alert.notes),
            },
            data_sources=[printable(alert.source)],
            attacks=[] if mapping is None else _attacks(mapping),
        )

    def _unmapped(self, alert: Alert, known: Known) -> JsonObject:
        homes = HOMES if known.number("proc.pid") is not None else _HOMES_WITHOUT_PROCESS
        others = known.others(homes) if self._settings.unmapped else {}
        return {**others, "mozu.incomplete": list(alert.incomplete)} if alert.incomplete else others


def _device(alert: Alert, known: Known) -> JsonObject:
    host = known.text("evt.host_id")
    return filled(
        uid=host,
        os_machine_uuid=str(UUID(host)) if host and _MACHINE_ID.fullmatch(host) else None,
        hostname=printable(alert.hostname),
        type_id=_UNKNOWN,
        os=_OS,
    )


def _metadata(alert: Alert, known: Known, stamp: Stamp | None, profiles: list[str]) -> JsonObject:
    metadata: JsonObject = {
        "version": VERSION,
        "product": {"name": NAME, "vendor_name": NAME, "version": version()},
        "profiles": profiles,
        "uid": alert.id or None,
        "correlation_uid": alert.correlation_uid or None,
        "event_code": alert.event_type or None,
        "log_name": printable(alert.source),
        "log_level": alert.priority.label,
        "labels": [printable(tag) for tag in alert.tags],
    }
    if stamp is not None:
        metadata["sequence"] = stamp.sequence
        host = known.text("evt.host_id")
        metadata["reporter"] = filled(hostname=stamp.agent, name=NAME, uid=None if host is None else agent_id(host))
        metadata["loggers"] = [{"name": stamp.sink, "uid": stamp.epoch}]
    return filled(**metadata)


def _attacks(mapping: Attack) -> list[JsonObject]:
    """Return one entry per technique, with the tactic if the tags name exactly one; else tactics are entries of their
    own."""
    single = mapping.tactics[0] if len(mapping.tactics) == 1 and mapping.techniques else None
    alone = () if single is not None else mapping.tactics
    tactics: list[JsonObject] = [{"version": mapping.version, "tactic": _tactic(item)} for item in alone]
    return tactics + [_technique(item, single) for item in mapping.techniques]


def _tactic(tactic: Tactic) -> JsonObject:
    return {"uid": tactic.id, "name": tactic.name}


def _technique(item: Technique, tactic: Tactic | None) -> JsonObject:
    return filled(
        version=item.version,
        tactic=None if tactic is None else _tactic(tactic),
        technique=filled(uid=item.id, name=item.name or None),
        sub_technique=filled(uid=item.sub_id or None, name=item.sub_name or None),
    )


def _container(known: Known) -> JsonObject:
    ident = known.container()
    if ident is None:
        return {}
    image = known.text("container.image.id") or known.text("container.image.digest") or known.image()
    pod = known.text("k8s.pod.uid")
    return filled(
        uid=ident,
        name=known.text("container.name"),
        runtime=known.text("container.type"),
        image={}
        if image is None
        else filled(uid=image, name=known.text("container.image.repository"), tag=known.text("container.image.tag")),
        orchestrator="kubernetes" if pod else None,
        pod_uuid=pod if pod and _UUID.fullmatch(pod) else None,
    )


def _resources(known: Known) -> list[JsonObject]:
    pod = filled(name=known.text("k8s.pod.name"), uid=known.text("k8s.pod.uid"))
    return [filled(type="Pod", namespace=known.text("k8s.ns.name"), **pod)] if pod else []


def _evidence(known: Known, acting: JsonObject, container: JsonObject) -> JsonObject:
    path, connection = known.path(), known.connection() or known.peer()
    kind = _FILE_TYPES.get(known.file_type() or "", _UNKNOWN)
    evidence = filled(
        api=_call(known),
        process=acting,
        user=login(known) if acting else None,
        file=None if path is None else {"name": name_of(path), "path": path, "type_id": kind},
        **({} if connection is None else _network(connection)),
    )
    if container:
        # the schema has no evidence that consists of a container alone
        evidence = {**(evidence or {"data": {"container": container["uid"]}}), "container": container}
    return evidence


def _call(known: Known) -> JsonObject:
    """Return the system call and its result."""
    if known.failed() is None:
        return {}
    response = filled(code=_small(known.result()), error=known.error())
    return filled(operation=known.event_type, response=response)


def _small(number: int | None) -> int | None:
    """Return the number if it fits the schema's integers of 32 bits, else None: results that are addresses do not
    fit."""
    return number if number is not None and -(1 << 31) <= number < 1 << 31 else None


def _direction(connection: Connection) -> int:
    if connection.local:
        return _LOCAL
    return _UNKNOWN if connection.inward is None else _INBOUND if connection.inward else _OUTBOUND


def _network(connection: Connection) -> JsonObject:
    return {
        "src_endpoint": filled(ip=connection.client, port=connection.client_port) if connection.client else None,
        "dst_endpoint": filled(ip=connection.server, port=connection.server_port) if connection.server else None,
        "connection_info": filled(
            direction_id=_direction(connection),
            boundary_id=_LOCALHOST if connection.local else None,
            protocol_name=connection.transport,
            protocol_num=_PROTOCOLS.get(connection.transport or ""),
            protocol_ver_id=connection.version,
        ),
    }


FORMAT: Final = FormatDeclaration(
    name="ocsf",
    summary="A Detection Finding of OCSF 1.8.",
    content_type="application/json",
    build=Ocsf,
    settings=OcsfSettings,
    requested_fields=REQUESTED_FIELDS + IDENTITY,
    further_fields=lambda options: RAW if options.raw else (),
    schema=always("ocsf"),
)
