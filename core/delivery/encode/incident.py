"""An incident as responders pass it to other programs: the alert in the format `json`, and its process."""

from typing import Final

import orjson

from mozu.core.api import Incident
from mozu.core.delivery.encode.document import one_line
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.model.event import printable

_FALCO: Final = FalcoJson()


def incident_line(incident: Incident) -> bytes:
    """Return one line without its end: Falco's object with the key `process`, null if the alert is about none."""
    subject = incident.subject
    document = _FALCO.document(incident.alert)
    document["process"] = None if subject is None else {
        "pid": subject.pid,
        "start": subject.start,
        "uid": subject.uid,
        "name": printable(subject.name),
        "exepath": printable(subject.exepath),
        "container": None if subject.container is None else subject.container.full_id,
    }  # fmt: skip
    return one_line(document, orjson.OPT_SORT_KEYS)
