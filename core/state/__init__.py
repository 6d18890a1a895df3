"""The state machine: turns a stream of system calls into processes, descriptors, working directories, identities.

Each source has one. Events point to versions, not to objects: a later event replaces the version of a process or a file
and leaves the old one to the events that hold it. `machine` is the loop, `transitions` the effect of each event type
(one family of calls per file), `tables` what is kept and for how long, `procfs` and `seeding` what existed before the
first event.
"""

from mozu.core.state.machine import StateMachine
from mozu.core.state.transitions import CHANGING, OF_PROCESSES

__all__ = ["CHANGING", "OF_PROCESSES", "StateMachine"]
