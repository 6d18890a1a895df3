"""Every field that the core brings, in one place."""

from mozu.core.fields import containers, events, files, paths, processes, users
from mozu.core.fields.field import Field
from mozu.core.fields.names import Names


def builtin_fields(names: Names | None = None) -> tuple[Field, ...]:
    """The core's fields for one engine. `names` are its surroundings; without them only the event itself is known."""
    around = Names() if names is None else names
    return (
        *events.fields(around),
        *files.fields(around),
        *paths.FIELDS,
        *processes.FIELDS,
        *users.FIELDS,
        *containers.FIELDS,
    )
