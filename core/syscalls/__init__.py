"""The table of events: which exist, their parameters in order, their traits, and the numbering of their flags.

Shared by every source of system calls, the state machine, the fields and the rule checker. Pure data.
"""

from mozu.core.syscalls.table import EventType, Param, event_type, event_types, known_names
from mozu.core.syscalls.flags import errno_name, flag_names, flag_table, signal_name

__all__ = [
    "EventType",
    "Param",
    "errno_name",
    "event_type",
    "event_types",
    "flag_names",
    "flag_table",
    "known_names",
    "signal_name",
]
