"""Topic names from a template: `{priority}`, `{source}`, `{host}` and `{rule}` of the alert."""

import re
from typing import Final

from mozu.core.api import Alert
from mozu.core.model.event import printable

_MAX_LENGTH: Final = 249
"""Most characters of a topic's name (Kafka's own limit)."""
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9._-]+")
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_FIELDS: Final = ("priority", "source", "host", "rule")


class TopicTemplate:
    """Template whose `name` returns a legal name for any alert. Raises ValueError if the template is invalid."""

    def __init__(self, template: str) -> None:
        parts = _REFERENCE.split(template)
        for field in parts[1::2]:
            if field not in _FIELDS:
                raise ValueError(f"{{{field}}} is unknown; a topic may hold {', '.join(f'{{{f}}}' for f in _FIELDS)}")
        literal = "".join(parts[::2])
        if _ILLEGAL.search(literal) or not template or len(literal) > _MAX_LENGTH or template in (".", ".."):
            raise ValueError(
                "a topic's name has 1 to 249 of the characters A-Z, a-z, 0-9, dot, underscore and hyphen, "
                "and is neither . nor .."
            )
        self._parts = parts
        self.fixed = template if len(parts) == 1 else None
        """The name, if it is the same for every alert; else None."""

    def name(self, alert: Alert) -> str:
        """Return the topic for this alert."""
        if self.fixed is not None:
            return self.fixed
        values = {"priority": alert.priority.label.lower(), "source": alert.source, "host": alert.hostname,
                  "rule": alert.rule}  # fmt: skip
        name = "".join(part if index % 2 == 0 else _legal(values[part]) for index, part in enumerate(self._parts))
        name = name[:_MAX_LENGTH]
        return "unknown" if name in (".", "..") else name


def _legal(text: str) -> str:
    return _ILLEGAL.sub("-", printable(text)).strip("-") or "unknown"
