"""Calls that extend the kernel or use its keys."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call("bpf", "other", "fd:fd cmd:enum32:bpf_commands", traits="creates_fd"),
    call("init_module", "other", "res:errno img:bytes length:uint64 uargs:string"),
    call(
        "finit_module",
        "other",
        "res:errno fd:fd uargs:string flags:flags32:x:finit_module_flags",
        traits="uses_fd reads_fd",
    ),
    call("delete_module", "other", "res:errno name:string flags:flags32:x:delete_module_flags"),
    call(
        "keyctl",
        "other",
        "res:errno operation:enum32:keyctl_operations arg2:dynamic(int64|string) arg3:dynamic(int64|string) "
        "arg4:dynamic(int64|string) arg5:dynamic(int64|string)",
    ),
)
