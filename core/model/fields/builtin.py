"""The fields that the core brings, in one place."""

from collections.abc import Iterable, Iterator

import msgspec

from mozu.core.model.fields import containers, users
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.fields.evt import fields as events
from mozu.core.model.fields.fd import fields as files
from mozu.core.model.fields.field import Field
from mozu.core.model.fields.fs import fields as paths
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.object import OBJECT
from mozu.core.model.fields.proc import identities
from mozu.core.model.fields.proc.lineage import LINEAGE
from mozu.core.model.fields.proc.own import OWN
from mozu.core.model.fields.proc.sessions import SESSIONS
from mozu.core.model.fields.proc.threads import THREADS

_D = Dependency
_OF_DESCRIPTORS = (_D.FILE, _D.DESCRIPTORS, _D.CWD, _D.METADATA)


def builtin_fields(lookups: Lookups | None = None) -> tuple[Field, ...]:
    """Return the core's fields for one engine. `lookups` are its surroundings; without them only the event itself is
    known."""
    around = Lookups() if lookups is None else lookups
    return (
        *_declared(events.fields(around), _D.EVENT, _D.CLOCK, _D.PROCESS, _D.TASKS, *_OF_DESCRIPTORS),
        *_declared(files.fields(around), _D.EVENT, _D.PROCESS, _D.CGROUP, *_OF_DESCRIPTORS),
        *_declared((OBJECT,), _D.EVENT, _D.IMAGE, _D.PROCESS, *_OF_DESCRIPTORS),
        *_declared(paths.FIELDS, _D.EVENT, _D.FILE, _D.DESCRIPTORS, _D.CWD),
        *_declared(OWN, _D.IMAGE, _D.PROCESS),
        *_declared(LINEAGE, _D.IMAGE, _D.PROCESS, _D.PARENT),
        *_declared(SESSIONS, _D.PROCESS, _D.PARENT, _D.TASKS, _D.IMAGE, _D.SESSION),
        *_declared(identities.fields(around), *identities.DEPENDS),
        *_declared(THREADS, _D.IMAGE, _D.PROCESS, _D.IDENTITY, _D.CGROUP),
        *_declared(users.FIELDS, _D.IDENTITY, _D.CGROUP, _D.METADATA, _D.PROCESS),
        *_declared(containers.FIELDS, _D.CLOCK, _D.CGROUP, _D.METADATA, _D.PROCESS),
    )


def _declared(fields: Iterable[Field], *most: Dependency) -> Iterator[Field]:
    """Yield a family's fields with `most` as their dependencies, unless they declare their own."""
    for field in fields:
        yield msgspec.structs.replace(field, depends=frozenset(most)) if field.depends == EVERYTHING else field
