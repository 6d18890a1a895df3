"""The table of events: which exist, their parameters in order, their traits, and the numbering of their flags.

The table is shared by every source of system calls, the state machine, the fields and the rule checker. Pure data.
Values of parameters, by type: int for numbers, descriptors, ids, times (ns), signal sets (bit n = signal n+1) and flags
(in the numbering of the flag tables; `convert_flags` and its siblings convert from the kernel's); str for `string`,
`fspath` and `fsrelpath`, None for NULL; bytes; SockTuple; SockAddr; for `fdlist` a tuple of pairs (descriptor, poll
flags); for `dynamic` a pair (type, value) or a plain value of the first type that fits. None is an empty parameter.
"""

from mozu.core.model.syscalls.calls import call_name, call_number, kernel_number, machine_number
from mozu.core.model.syscalls.convert import (
    convert_clone_flags,
    convert_flags,
    convert_open_flags,
    convert_socket_option,
    creat_flags,
    nameless_code,
    native_codes,
    open_mode,
    quota_command,
)
from mozu.core.model.syscalls.flags import (
    capability_name,
    capability_names,
    errno_name,
    flag_names,
    flag_table,
    flag_tables,
    signal_name,
)
from mozu.core.model.syscalls.table import (
    EventType,
    Param,
    event_of_call,
    event_type,
    event_types,
    known_names,
    param_names,
)

__all__ = [
    "EventType",
    "Param",
    "call_name",
    "call_number",
    "capability_name",
    "capability_names",
    "convert_clone_flags",
    "convert_flags",
    "convert_open_flags",
    "convert_socket_option",
    "creat_flags",
    "errno_name",
    "event_of_call",
    "event_type",
    "event_types",
    "flag_names",
    "flag_table",
    "flag_tables",
    "kernel_number",
    "known_names",
    "machine_number",
    "nameless_code",
    "native_codes",
    "open_mode",
    "param_names",
    "quota_command",
    "signal_name",
]
