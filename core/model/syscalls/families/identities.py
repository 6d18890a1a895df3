"""Calls that set and ask for user and group ids."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call("setuid", "user", "res:errno uid:uid", traits="modifies_state", default="state"),
    call("setgid", "user", "res:errno gid:gid", traits="modifies_state", default="state"),
    call("setreuid", "user", "res:errno ruid:uid euid:uid", traits="modifies_state", default="state"),
    call("setregid", "user", "res:errno rgid:uid egid:uid", traits="modifies_state", default="state"),
    call("setresuid", "user", "res:errno ruid:uid euid:uid suid:uid", traits="modifies_state", default="state"),
    call("setresgid", "user", "res:errno rgid:gid egid:gid sgid:gid", traits="modifies_state", default="state"),
    call("getuid", "user", "uid:uid"),
    call("geteuid", "user", "euid:uid"),
    call("getgid", "user", "gid:gid"),
    call("getegid", "user", "egid:gid"),
    call("getresuid", "user", "res:errno ruid:uid euid:uid suid:uid"),
    call("getresgid", "user", "res:errno rgid:gid egid:gid sgid:gid"),
)
