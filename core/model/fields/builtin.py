"""Every field that the core brings, in one place."""

from mozu.core.model.fields import containers, users
from mozu.core.model.fields.evt import fields as events
from mozu.core.model.fields.fd import fields as files
from mozu.core.model.fields.field import Field
from mozu.core.model.fields.fs import fields as paths
from mozu.core.model.fields.names import Names
from mozu.core.model.fields.proc import fields as processes


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
