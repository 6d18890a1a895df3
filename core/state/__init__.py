"""The one state machine: turns a stream of system calls into processes, descriptors, working directories, identities."""

from mozu.core.state.machine import StateMachine

__all__ = ["StateMachine"]
