"""What a plugin author imports."""

from mozu.core.api.hookspecs import (
    API_VERSION,
    Context,
    Counts,
    Declaration,
    Enricher,
    Evaluator,
    Record,
    Rejected,
    Retry,
    Settings,
    Sink,
    Source,
    hookimpl,
)
from mozu.core.api.secret import Secret
from mozu.core.errors import MozuError, SinkClosed, SourceBroken, SourceUnavailable, UnknownField
from mozu.core.filter.demand import Demand, Interest
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Container, DataEvent, Event, File, Process, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.fields import Argument, Field, FieldRegistry, FieldType, Match

__all__ = [
    "API_VERSION",
    "Alert",
    "Argument",
    "Container",
    "Context",
    "Counts",
    "DataEvent",
    "Declaration",
    "Demand",
    "Enricher",
    "Evaluator",
    "Event",
    "Field",
    "FieldRegistry",
    "FieldType",
    "File",
    "Interest",
    "Match",
    "Metrics",
    "MozuError",
    "Process",
    "Record",
    "Rejected",
    "Retry",
    "Secret",
    "Settings",
    "Severity",
    "Sink",
    "SinkClosed",
    "SockAddr",
    "SockTuple",
    "Source",
    "SourceBroken",
    "SourceUnavailable",
    "SyscallEvent",
    "UnknownField",
    "hookimpl",
]
