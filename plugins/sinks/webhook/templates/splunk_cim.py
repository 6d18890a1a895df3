"""Splunk's HTTP event collector, with the fields of the Common Information Model's data model Alerts.

Names and the words of `severity` and `type` are those of the model (version 6.1). Splunk adds an event to the model by
the tag `alert`, which an event type sets (docs/integrate/siem.md). With `format: ecs` the fields of process, user and
source are known for any output of the rule.
"""

from typing import Final

from mozu.core.model.alert import LEVELS
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate
from mozu.plugins.sinks.webhook.templates.splunk_hec import EVENT, SPLUNK_HEC

SPLUNK_CIM: Final = BuiltinTemplate(
    {
        **SPLUNK_HEC.body,
        "sourcetype": "mozu:alert:cim",
        "event": {
            **EVENT,
            "app": "mozu",
            "id": "${uuid}",
            "type": "alert",
            "signature": "${rule}",
            "signature_id": "${rule_id}",
            "severity": "${level}",
            "description": "${message}",
            "dest": "${hostname}",
            "user": "${known.user.name}",
            "src": "${known.fd.cip}",
            "mitre_technique_id": "${technique_ids}",
            "vendor_product": "mozu",
            "process_id": "${known.proc.pid}",
            "process_guid": "${known.proc.entity_id}",
            "process": "${known.proc.cmdline}",
            "process_path": "${known.proc.exepath}",
            "parent_process_guid": "${known.proc.pentity_id}",
        },
    },
    ("ndjson", "single"),
    "Splunk",
    levels={severity: levels.cim for severity, levels in LEVELS.items()},
)
