"""Every field that the core brings, in one place."""

from mozu.core.model.fields import containers, users
from mozu.core.model.fields.evt import fields as events
from mozu.core.model.fields.fd import fields as files
from mozu.core.model.fields.field import Field
from mozu.core.model.fields.fs import fields as paths
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.proc import fields as processes


def builtin_fields(lookups: Lookups | None = None) -> tuple[Field, ...]:
    """The core's fields for one engine. `lookups` are its surroundings; without them only the event itself is known."""
    around = Lookups() if lookups is None else lookups
    return (
        *events.fields(around),
        *files.fields(around),
        *paths.FIELDS,
        *processes.FIELDS,
        *users.FIELDS,
        *containers.FIELDS,
    )
