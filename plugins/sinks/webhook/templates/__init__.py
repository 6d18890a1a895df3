"""Shipped bodies, one module per receiver."""

from collections.abc import Mapping
from typing import Final, Literal

from mozu.plugins.sinks.webhook.templates.alertmanager import ALERTMANAGER
from mozu.plugins.sinks.webhook.templates.builtin_template import BatchFormat, BuiltinTemplate, Levels
from mozu.plugins.sinks.webhook.templates.discord import DISCORD
from mozu.plugins.sinks.webhook.templates.elasticsearch import ELASTICSEARCH
from mozu.plugins.sinks.webhook.templates.falcosidekick import FALCOSIDEKICK
from mozu.plugins.sinks.webhook.templates.google_udm import GOOGLE_UDM
from mozu.plugins.sinks.webhook.templates.loki import LOKI
from mozu.plugins.sinks.webhook.templates.otlp_logs import OTLP_LOGS
from mozu.plugins.sinks.webhook.templates.pagerduty import PAGERDUTY
from mozu.plugins.sinks.webhook.templates.sentinel_asim import SENTINEL_ASIM
from mozu.plugins.sinks.webhook.templates.slack import SLACK
from mozu.plugins.sinks.webhook.templates.splunk_cim import SPLUNK_CIM
from mozu.plugins.sinks.webhook.templates.splunk_hec import SPLUNK_HEC
from mozu.plugins.sinks.webhook.templates.teams import TEAMS
from mozu.plugins.sinks.webhook.templates.text import TEXT

__all__ = ["BUILTIN_TEMPLATES", "BatchFormat", "BuiltinTemplate", "Levels", "TemplateName"]

TemplateName = Literal[
    "falcosidekick", "alertmanager", "splunk_hec", "text", "slack", "teams", "discord", "pagerduty", "loki",
    "elasticsearch", "otlp_logs", "splunk_cim", "sentinel_asim", "google_udm",
]  # fmt: skip

BUILTIN_TEMPLATES: Final[Mapping[TemplateName, BuiltinTemplate]] = {
    "falcosidekick": FALCOSIDEKICK,
    "alertmanager": ALERTMANAGER,
    "splunk_hec": SPLUNK_HEC,
    "text": TEXT,
    "slack": SLACK,
    "teams": TEAMS,
    "discord": DISCORD,
    "pagerduty": PAGERDUTY,
    "loki": LOKI,
    "elasticsearch": ELASTICSEARCH,
    "otlp_logs": OTLP_LOGS,
    "splunk_cim": SPLUNK_CIM,
    "sentinel_asim": SENTINEL_ASIM,
    "google_udm": GOOGLE_UDM,
}
