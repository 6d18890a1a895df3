"""Encoders: an alert as bytes, chosen per sink and independent of how the sink transports them. docs/formats.md."""

from collections.abc import Mapping
from typing import Final

from mozu.core.api.extensions import Encoder, FormatDeclaration
from mozu.core.delivery.encode.cef import Cef, CefSettings
from mozu.core.delivery.encode.cloudevents import CloudEvents, CloudEventsSettings
from mozu.core.delivery.encode.ecs import Ecs, EcsSettings
from mozu.core.delivery.encode.falco_json import FalcoJson, JsonSettings
from mozu.core.delivery.encode.falco_text import FalcoText, TextSettings
from mozu.core.delivery.encode.known import REQUESTED_FIELDS
from mozu.core.delivery.encode.ocsf import Ocsf, OcsfSettings

FORMATS: Final[Mapping[str, FormatDeclaration]] = {
    found.name: found
    for found in (
        FormatDeclaration(
            name="falco",
            summary="Falco's line of text.",
            content_type="text/plain; charset=utf-8",
            build=lambda options: FalcoText(**options.model_dump()),
            settings=TextSettings,
        ),
        FormatDeclaration(
            name="json",
            summary="Falco's JSON object.",
            content_type="application/json",
            build=lambda options: FalcoJson(**options.model_dump()),
            settings=JsonSettings,
        ),
        FormatDeclaration(
            name="ecs",
            summary="A document of the Elastic Common Schema 9.4.",
            content_type="application/json",
            build=Ecs,
            settings=EcsSettings,
            requested_fields=REQUESTED_FIELDS,
        ),
        FormatDeclaration(
            name="ocsf",
            summary="A Detection Finding of OCSF 1.8.",
            content_type="application/json",
            build=Ocsf,
            settings=OcsfSettings,
            requested_fields=REQUESTED_FIELDS,
        ),
        FormatDeclaration(
            name="cef",
            summary="A line of ArcSight's Common Event Format.",
            content_type="text/plain; charset=utf-8",
            build=Cef,
            settings=CefSettings,
            requested_fields=REQUESTED_FIELDS,
        ),
        FormatDeclaration(
            name="cloudevents",
            summary="A CloudEvents 1.0 envelope in JSON around Falco's JSON object.",
            content_type="application/cloudevents+json",
            build=CloudEvents,
            settings=CloudEventsSettings,
        ),
    )
}
"""Value of a sink's `format` → format."""

__all__ = ["FORMATS", "Encoder", "FalcoJson", "FalcoText"]
