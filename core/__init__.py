"""What a plugin author imports."""

from mozu.core.alert import Alert, Severity
from mozu.core.config import Secret
from mozu.core.demand import Demand, Need
from mozu.core.errors import MozuError, SinkClosed, SourceBroken, SourceUnavailable, UnknownField
from mozu.core.event import Container, DataEvent, Event, File, Process, SockAddr, SockTuple, SyscallEvent
from mozu.core.fields import Argument, Field, FieldRegistry, FieldType, Match
from mozu.core.hookspecs import (
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
from mozu.core.metrics import Metrics

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
    "Match",
    "Metrics",
    "MozuError",
    "Need",
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
