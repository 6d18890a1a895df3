"""Elastic Common Schema 9.4: the alert as a document with `event.kind: alert`."""

import re
from typing import Final

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.caches import cached
from mozu.core.common.host_identity import agent_id
from mozu.core.delivery.encode import rule_notes
from mozu.core.delivery.encode.activity import DETECTION, activity
from mozu.core.delivery.encode.clock import iso
from mozu.core.delivery.encode.document import distinct, filled, one_line
from mozu.core.delivery.encode.ecs_process import ancestry, process
from mozu.core.delivery.encode.known import IDENTITY, RAW, REQUESTED_FIELDS, Connection, Known, name_of
from mozu.core.delivery.encode.product import NAME, rule_id, version
from mozu.core.delivery.encode.schema import always
from mozu.core.model.alert import Alert, Stamp, attack
from mozu.core.model.alert.attack import FRAMEWORK, Version
from mozu.core.model.event import printable
from mozu.core.model.value_types import Json, JsonObject

VERSION: Final = "9.4.0"
_NOT_IN_LABEL: Final = re.compile(r"[^A-Za-z0-9]+")


class EcsSettings(Settings):
    """Options of the format `ecs`."""

    labels: bool = Field(
        True, description="Output fields that ECS has no place for go under `labels` as text, dots made underscores."
    )
    external_alerts: bool = Field(
        False,
        description="`event.severity` and `event.risk_score` in the scale of Elastic's rules External Alerts (21, 47, "
        "73, 99), and `data_stream` for the data stream `logs-mozu.alert-NAMESPACE`, which they read.",
    )
    namespace: str = Field(
        "default",
        pattern=r"^[^A-Z\\/*?\"<>|\s,#:-]{1,100}$",
        description="The namespace of that data stream.",
    )
    raw: bool = Field(False, description="The event with all of its parameters, as a JSON text in `event.original`.")
    attack: Version = Field("19", description="The version of ATT&CK in whose words tactics are named.")


class Ecs:
    """Encoder that uses only fields of the schema; other output fields go to `labels`."""

    def __init__(self, settings: EcsSettings | None = None) -> None:
        self._settings = settings or EcsSettings()
        named = {"type": "logs", "dataset": f"{NAME}.alert", "namespace": self._settings.namespace}
        self._data_stream: JsonObject = {**named} if self._settings.external_alerts else {}

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the document as one line."""
        return one_line(self.document(alert, stamp))

    def document(self, alert: Alert, stamp: Stamp | None = None) -> JsonObject:
        """Return the document as Python values. The stamp is `agent.name`, `agent.ephemeral_id`, `event.sequence` and
        `labels.mozu_sink`."""
        known = Known(alert)
        connection = known.connection() or known.peer()
        user = filled(id=known.text("user.uid"), name=known.text("user.name"))
        return filled(
            **{"@timestamp": iso(alert.time, "Z")},
            ecs={"version": VERSION},
            data_stream=self._data_stream,
            event=_event(alert, known, stamp, self._settings),
            error=filled(code=known.error()),
            message=printable(alert.message()),
            log={"level": alert.priority.label.lower()},
            rule={"id": rule_id(alert), "name": printable(alert.rule), **rule_notes.ecs_rule(alert.notes)},
            host=_host(alert, known),
            agent=_agent(known, stamp),
            tags=[printable(tag) for tag in alert.tags],
            labels=self._labels(alert, known, stamp),
            threat=_threat(alert, self._settings.attack),
            process=process(known, user),
            user=user,
            group=filled(id=known.text("group.gid"), name=known.text("group.name")),
            container=_container(known),
            orchestrator=_orchestrator(known),
            file=_file(known),
            source={} if connection is None else _end(connection.client, connection.client_port),
            destination={} if connection is None else _end(connection.server, connection.server_port),
            network=_network(connection),
            related=_related(alert, known, connection),
        )

    def _labels(self, alert: Alert, known: Known, stamp: Stamp | None) -> dict[str, str]:
        labels = {**rule_notes.labels(alert.notes, alert.next), **ancestry(known)}
        if self._settings.labels:
            labels |= {_label(key): _as_text(value) for key, value in known.others().items()}
        if alert.correlation_uid:
            labels["mozu_correlation_uid"] = alert.correlation_uid
        if alert.incomplete:
            labels["mozu_incomplete"] = ",".join(alert.incomplete)
        if stamp is not None:
            labels["mozu_sink"] = stamp.sink
        mapping = attack(alert.tags, self._settings.attack)
        if mapping is not None:
            labels["mitre_attack_version"] = mapping.version
        return labels


@cached(4096)
def _label(key: str) -> str:
    return _NOT_IN_LABEL.sub("_", key).strip("_")


def _as_text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_as_text, value)) if isinstance(value, list) else str(value)


def _event(alert: Alert, known: Known, stamp: Stamp | None, settings: EcsSettings) -> JsonObject:
    levels, external = alert.priority.levels, settings.external_alerts
    event: JsonObject = {
        "action": alert.event_type or None,
        "dataset": f"{NAME}.alert",
        "id": alert.id or None,
        "kind": "alert",
        "module": NAME,
        "provider": printable(alert.source),
        "severity": levels.elastic if external else levels.ecs,
        "risk_score": float(levels.elastic) if external else None,
    }
    if alert.source == "internal":
        event["kind"] = "event"
    else:
        event["category"], event["type"] = _words(known)
    event["outcome"] = known.outcome()
    event["original"] = known.raw_event() if settings.raw else None
    if stamp is not None:
        event["sequence"] = stamp.sequence
    return filled(**event)


def _words(known: Known) -> tuple[list[str], list[str]]:
    category, types = DETECTION
    more = activity(known.event_type, known)
    return ([category], list(types)) if more is None else ([category, more[0]], distinct((*types, *more[1])))


def _host(alert: Alert, known: Known) -> JsonObject:
    name = printable(alert.hostname)
    return filled(id=known.text("evt.host_id"), hostname=name, name=name, os={"type": "linux"})


def _agent(known: Known, stamp: Stamp | None) -> JsonObject:
    host = known.text("evt.host_id")
    agent = filled(type=NAME, version=version(), id=None if host is None else agent_id(host))
    return agent if stamp is None else {**agent, "name": stamp.agent, "ephemeral_id": stamp.epoch}


def _threat(alert: Alert, wanted: Version) -> JsonObject | None:
    mapping = attack(alert.tags, wanted)
    if mapping is None:
        return None
    subs = [item for item in mapping.techniques if item.sub_id]
    technique = filled(
        id=distinct(item.id for item in mapping.techniques),
        name=distinct(item.name for item in mapping.techniques),
        subtechnique=filled(
            id=distinct(item.sub_id for item in subs),
            name=distinct(item.sub_name for item in subs),
        ),
    )
    tactic = filled(id=[item.id for item in mapping.tactics], name=[item.name for item in mapping.tactics])
    return filled(framework=FRAMEWORK, tactic=tactic, technique=technique)


def _container(known: Known) -> JsonObject | None:
    ident = known.container()
    if ident is None:
        return None
    tag, digest, privileged = (
        known.text("container.image.tag"),
        known.text("container.image.digest"),
        known.flag("container.privileged"),
    )
    return filled(
        id=ident,
        name=known.text("container.name"),
        runtime=known.text("container.type"),
        image=filled(
            name=known.text("container.image.repository"),
            tag=[tag] if tag else None,
            hash=filled(all=[digest] if digest else None),
        ),
        security_context=filled(privileged=privileged),
    )


def _orchestrator(known: Known) -> JsonObject | None:
    pod = filled(name=known.text("k8s.pod.name"), id=known.text("k8s.pod.uid"))
    if not pod:
        return None
    return filled(type="kubernetes", namespace=known.text("k8s.ns.name"), resource={"type": "pod", **pod})


def _file(known: Known) -> JsonObject | None:
    path = known.path()
    if path is None:
        return None
    directory = path.rpartition("/")[0] or ("/" if path.startswith("/") else None)
    return filled(
        path=path,
        name=name_of(path),
        directory=directory,
        type=known.file_type(),
        target_path=known.link_target(),
    )


def _end(address: str | None, port: int | None) -> JsonObject:
    return {} if address is None else {"ip": address} if port is None else {"ip": address, "port": port}


def _network(connection: Connection | None) -> JsonObject | None:
    if connection is None:
        return None
    direction = None if connection.inward is None else "ingress" if connection.inward else "egress"
    return filled(transport=connection.transport, type=f"ipv{connection.version}", direction=direction)


def _related(alert: Alert, known: Known, connection: Connection | None) -> JsonObject:
    return filled(
        hosts=distinct([printable(alert.hostname)]),
        hash=distinct([known.text("proc.exe_hash")]),
        user=distinct([known.text("user.name"), known.login_name()]),
        ip=distinct([*((connection.client, connection.server) if connection else ()), known.login_address()]),
    )


FORMAT: Final = FormatDeclaration(
    name="ecs",
    summary="A document of the Elastic Common Schema 9.4.",
    content_type="application/json",
    build=Ecs,
    settings=EcsSettings,
    requested_fields=REQUESTED_FIELDS + IDENTITY,
    further_fields=lambda options: RAW if options.raw else (),
    schema=always("ecs"),
)
