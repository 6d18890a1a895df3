"""Slack's incoming webhooks (and Mattermost's and Rocket.Chat's, which read `text`).

Blocks of plain text, without mentions and links: a header has 150 characters, a section 3000
(https://api.slack.com/reference/block-kit/blocks). `text` is shown in notifications, with `&`, `<`, `>` escaped.
"""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

SLACK: Final = BuiltinTemplate(
    {
        "text": "${output|max3000|entities}",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "emoji": False, "text": "${rule:-alert|max150}"}},
            {"type": "section", "text": {"type": "plain_text", "emoji": False, "text": "${output:-alert|max3000}"}},
            {
                "type": "context",
                "elements": [
                    {
                        "type": "plain_text",
                        "emoji": False,
                        "text": "${priority} · ${hostname|max500} · ${source|max100} · ${time}",
                    }
                ],
            },
        ],
    },
    ("single",),
)
