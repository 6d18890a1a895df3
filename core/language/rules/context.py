"""The context of an alert, in one order for all rules that leave it to the engine (key `mozu`, `context: true`)."""

from typing import Final

from mozu.core.errors import UnknownField
from mozu.core.model.fields import FieldRegistry

_CONTEXT: Final = (
    ("evt.type", ""),
    ("proc.name", ""),
    ("proc.pid", "pid"),
    ("proc.cmdline", "command"),
    ("proc.exepath", "exe"),
    ("proc.cwd", "cwd"),
    ("proc.tty", ""),
    ("proc.ppid", ""),
    ("proc.pname", "parents"),
    ("proc.aname[2]", "parents"),
    ("proc.aname[3]", "parents"),
    ("proc.pcmdline", "parent_command"),
    ("user.name", "user"),
    ("user.uid", "uid"),
    ("user.loginname", "login"),
    ("user.loginuid", ""),
    ("container.id", ""),
    ("container.name", "container"),
    ("container.image.repository", "image"),
    ("container.image.tag", "tag"),
    ("k8s.ns.name", "namespace"),
    ("k8s.pod.name", "pod"),
)
"""Fields and their labels in the text; a field without one is in `output_fields` only."""


def context_of(source: str, fields: FieldRegistry) -> tuple[tuple[str, str], ...]:
    """Return the fields of the context that a source class has, with their labels."""
    return tuple(pair for pair in _CONTEXT if _exists(pair[0], source, fields))


def _exists(name: str, source: str, fields: FieldRegistry) -> bool:
    try:
        field, _ = fields.find(name.partition("[")[0])
    except UnknownField:
        return False
    return not field.unavailable and not field.sources.isdisjoint({source, "*"})
