"""Discord's webhooks: one embed, and mentions switched off.

Title 256 characters, description 4096 (https://discord.com/developers/docs/resources/message#embed-object).
"""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

DISCORD: Final = BuiltinTemplate(
    {
        "embeds": [
            {
                "title": "${rule:-alert|max256}",
                "description": "${output|max4096}",
                "color": "${color}",
                "timestamp": "${time}",
                "footer": {"text": "${priority} · ${hostname|max500} · ${source|max100}"},
            }
        ],
        "allowed_mentions": {"parse": []},
    },
    ("single",),
)
