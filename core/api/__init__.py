"""What a plugin author imports: the names in `__all__` are promised (docs/plugins.md), and nothing else is."""

from mozu.core.api.capabilities import (
    AcksBatches,
    CachesProcesses,
    ChecksDestination,
    CompilePredicates,
    FiltersByProcess,
    FollowsState,
    HasOrigin,
    NamesRules,
    ObservesPids,
    ProcessPredicate,
    ProvidesReaders,
    Reopens,
    ReportsGaps,
)
from mozu.core.api.components import (
    Counts,
    Enricher,
    Evaluator,
    FieldReaders,
    Outcome,
    Record,
    Rejected,
    Retry,
    Sink,
    Source,
    Visibility,
)
from mozu.core.api.context import Context
from mozu.core.api.declarations import (
    API_VERSION,
    EnricherDeclaration,
    EvaluatorDeclaration,
    SinkDeclaration,
    SourceDeclaration,
)
from mozu.core.api.hookspecs import hookimpl
from mozu.core.api.kind import Kind
from mozu.core.api.secret import Secret
from mozu.core.api.settings import Settings
from mozu.core.api.version1 import Declaration, Need
from mozu.core.errors import (
    ConfigError,
    MozuError,
    RulesError,
    SinkClosed,
    SourceBroken,
    SourceUnavailable,
    UnknownField,
)
from mozu.core.filter.demand import Demand, Interest
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Container, DataEvent, Event, File, Process, SockAddr, SockTuple, SyscallEvent
from mozu.core.model.fields import Argument, Field, FieldRegistry, FieldType, Match

__all__ = [
    "API_VERSION",
    "AcksBatches",
    "Alert",
    "Argument",
    "CachesProcesses",
    "ChecksDestination",
    "CompilePredicates",
    "ConfigError",
    "Container",
    "Context",
    "Counts",
    "DataEvent",
    "Declaration",
    "Demand",
    "Enricher",
    "EnricherDeclaration",
    "Evaluator",
    "EvaluatorDeclaration",
    "Event",
    "Field",
    "FieldReaders",
    "FieldRegistry",
    "FieldType",
    "File",
    "FiltersByProcess",
    "FollowsState",
    "HasOrigin",
    "Interest",
    "Kind",
    "Match",
    "Metrics",
    "MozuError",
    "NamesRules",
    "Need",
    "ObservesPids",
    "Outcome",
    "Process",
    "ProcessPredicate",
    "ProvidesReaders",
    "Record",
    "Rejected",
    "Reopens",
    "ReportsGaps",
    "Retry",
    "RulesError",
    "Secret",
    "Settings",
    "Severity",
    "Sink",
    "SinkClosed",
    "SinkDeclaration",
    "SockAddr",
    "SockTuple",
    "Source",
    "SourceBroken",
    "SourceDeclaration",
    "SourceUnavailable",
    "SyscallEvent",
    "UnknownField",
    "Visibility",
    "hookimpl",
]
