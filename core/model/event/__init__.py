"""Events, and the parts they point to.

An event is made once and never changed. Its process and its file are *versions*: a later exec, chdir or setuid makes a
new version and leaves the old one to the events that hold it, so a field that is read late still shows the moment of
its event. Texts that come from the kernel are `str` decoded with `surrogateescape`: every byte is kept (`as_bytes`
returns the bytes).
"""

from mozu.core.model.event.container import Claim, Container, claimed
from mozu.core.model.event.event import DataEvent, Event, SyscallEvent
from mozu.core.model.event.fd_table import FdTable
from mozu.core.model.event.file import Address, File, SockAddr, SockTuple
from mozu.core.model.event.process import Process, Task, Tasks
from mozu.core.model.event.text import as_bytes, as_text, bounded_text, byte_length, printable
from mozu.core.model.event.undecoded import UndecodedEvent

__all__ = [
    "Address",
    "Claim",
    "Container",
    "DataEvent",
    "Event",
    "FdTable",
    "File",
    "Process",
    "SockAddr",
    "SockTuple",
    "SyscallEvent",
    "Task",
    "Tasks",
    "UndecodedEvent",
    "as_bytes",
    "as_text",
    "bounded_text",
    "byte_length",
    "claimed",
    "printable",
]
