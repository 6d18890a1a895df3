"""Microsoft Teams' incoming webhooks of Workflows: a message with an adaptive card.

Texts are in TextRun, which reads no Markdown: no link comes from an alert (https://adaptivecards.io/explorer/). A
message may have 28 KB.
"""

from typing import Any, Final

from mozu.core.api import Severity
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **more}]}


TEAMS: Final = BuiltinTemplate(
    {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        _run("${rule:-alert|max500}", weight="Bolder", size="Medium", color="${level}"),
                        _run("${output:-alert|max5000}"),
                        _run("${priority} · ${hostname|max500} · ${source|max100} · ${time}", isSubtle=True),
                    ],
                },
            }
        ],
    },
    ("single",),
    levels={
        severity: "Attention" if severity <= Severity.ERROR else
        "Warning" if severity <= Severity.WARNING else "Accent"
        for severity in Severity
    },  # the colours of a card
)  # fmt: skip
