"""The fields `proc.*` and `thread.*`: who caused the event, and where it comes from."""

from typing import Final

from mozu.core.fields.field import Field
from mozu.core.fields.processes_lineage import LINEAGE
from mozu.core.fields.processes_own import OWN
from mozu.core.fields.processes_sessions import SESSIONS
from mozu.core.fields.processes_threads import THREADS

FIELDS: Final[tuple[Field, ...]] = (*OWN, *LINEAGE, *SESSIONS, *THREADS)
