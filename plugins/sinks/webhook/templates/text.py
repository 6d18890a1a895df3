"""What chat systems' incoming hooks agree on."""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

TEXT: Final = BuiltinTemplate({"text": "${output}"}, ("single",))
