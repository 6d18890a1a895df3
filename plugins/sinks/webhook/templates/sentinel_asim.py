"""Microsoft Sentinel: the Logs Ingestion API of Azure Monitor, with the fields of ASIM's schema AlertEvent 0.1.

Names and the words of `EventSeverity` are those of the schema (normalization-schema-alert of Sentinel's documentation).
Aliases, which Sentinel derives, are left out. With `format: ecs` the fields of process and user are known for any
output of the rule.
"""

from typing import Final

from mozu.core.model.alert import LEVELS
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

_HIGH: Final = 4
"""OCSF's number for High, the highest severity that ASIM has a word for."""

SENTINEL_ASIM: Final = BuiltinTemplate(
    {
        "TimeGenerated": "${time}",
        "EventCount": 1,
        "EventStartTime": "${time}",
        "EventEndTime": "${time}",
        "EventType": "Alert",
        "EventSubType": "Suspicious Activity",
        "EventUid": "${uuid}",
        "EventMessage": "${message}",
        "EventSeverity": "${level}",
        "EventOriginalSeverity": "${priority}",
        "EventProduct": "mozu",
        "EventVendor": "mozu",
        "EventSchema": "AlertEvent",
        "EventSchemaVersion": "0.1",
        "DvcHostname": "${hostname}",
        "DvcId": "${known.evt.host_id}",
        "DvcIdType": "Other",
        "DvcOs": "Linux",
        "AlertName": "${rule}",
        "AlertStatus": "Active",
        "RuleName": "${rule}",
        "AttackTechniques": "${technique_ids|text}",
        "AttackRemediationSteps": "${next}",
        "Username": "${known.user.name}",
        "UsernameType": "Simple",
        "ProcessId": "${known.proc.pid:-|text}",
        "ProcessName": "${known.proc.exepath}",
        "ProcessCommandLine": "${known.proc.cmdline}",
        "FileSHA256": "${known.proc.exe_hash}",
        "AdditionalFields": {
            "agent": "${agent}",
            "sink": "${sink}",
            "epoch": "${epoch}",
            "sequence": "${sequence}",
            "source": "${source}",
            "tags": "${tags}",
            "entity_id": "${known.proc.entity_id}",
            "output_fields": "${output_fields}",
        },
    },
    ("array",),
    levels={severity: "High" if levels.ocsf >= _HIGH else levels.ocsf_name for severity, levels in LEVELS.items()},
)
