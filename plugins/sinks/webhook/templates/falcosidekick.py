"""falcosidekick's own input: the fields of its types, one object per request."""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

FALCOSIDEKICK: Final = BuiltinTemplate(
    {
        "uuid": "${uuid}",
        "output": "${output}",
        "priority": "${priority}",
        "rule": "${rule}",
        "time": "${time}",
        "source": "${source}",
        "output_fields": "${output_fields}",
        "hostname": "${hostname}",
        "tags": "${tags}",
    },
    ("single",),
)
