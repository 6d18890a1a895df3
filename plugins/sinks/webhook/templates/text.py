"""The body common to the incoming hooks of chat systems."""

from typing import Final

from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

TEXT: Final = BuiltinTemplate({"text": "${output}"}, ("single",))
