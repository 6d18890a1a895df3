"""The fields `proc.*` and `thread.*`: who caused the event, and where it comes from."""

from typing import Final

from mozu.core.model.fields.field import Field
from mozu.core.model.fields.proc.lineage import LINEAGE
from mozu.core.model.fields.proc.own import OWN
from mozu.core.model.fields.proc.sessions import SESSIONS
from mozu.core.model.fields.proc.threads import THREADS

FIELDS: Final[tuple[Field, ...]] = (*OWN, *LINEAGE, *SESSIONS, *THREADS)
