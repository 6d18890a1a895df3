"""Calls on sockets."""

from mozu.core.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call(
        "accept",
        "net",
        "fd:fd tuple:socktuple queuepct:uint8 queuelen:uint32 queuemax:uint32",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "accept4",
        "net",
        "fd:fd tuple:socktuple queuepct:uint8 queuelen:uint32 queuemax:uint32 flags:int32:x",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call("bind", "net", "res:errno addr:sockaddr fd:fd", traits="uses_fd modifies_state", default="state"),
    call(
        "connect",
        "net",
        "res:errno tuple:socktuple fd:fd addr:sockaddr",
        traits="uses_fd modifies_state",
        default="state",
    ),
    call(
        "socket",
        "net",
        "fd:fd domain:enum32:socket_families type:uint32 proto:uint32 flags:flags32:x:file_flags",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "socketpair",
        "ipc",
        "res:errno fd1:fd fd2:fd source:uint64:x peer:uint64:x domain:enum32:socket_families type:uint32 "
        "proto:uint32",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call("listen", "net", "res:errno fd:fd backlog:int32", traits="uses_fd"),
    call(
        "shutdown",
        "net",
        "res:errno fd:fd how:enum8:x:shutdown_how",
        traits="uses_fd modifies_state",
        default="state",
    ),
    call("getpeername", "net", ""),
    call("getsockname", "net", ""),
    call(
        "getsockopt",
        "net",
        "res:errno fd:fd level:enum8:sockopt_levels optname:enum8:sockopt_options "
        "val:dynamic(bytes|errno|uint32|uint64|reltime) optlen:uint32",
        traits="uses_fd modifies_state",
        default="state",
    ),
    call(
        "setsockopt",
        "net",
        "res:errno fd:fd level:enum8:sockopt_levels optname:enum8:sockopt_options "
        "val:dynamic(bytes|errno|uint32|uint64|reltime) optlen:uint32",
        traits="uses_fd",
    ),
    call(
        "recv",
        "io_read",
        "res:errno data:bytes fd:fd size:uint32 tuple:socktuple",
        traits="uses_fd reads_fd",
        default="ignored",
        calls="",
    ),
    call(
        "recvfrom",
        "io_read",
        "res:errno data:bytes tuple:socktuple fd:fd size:uint32",
        traits="uses_fd reads_fd modifies_state",
        default="state",
    ),
    call(
        "recvmsg",
        "io_read",
        "res:errno size:uint32 data:bytes tuple:socktuple msgcontrol:bytes fd:fd",
        traits="uses_fd reads_fd modifies_state",
        default="state",
    ),
    call(
        "recvmmsg",
        "io_read",
        "res:errno fd:fd size:uint32 data:bytes tuple:socktuple msgcontrol:bytes",
        traits="uses_fd reads_fd modifies_state",
        default="state",
    ),
    call(
        "send",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32 tuple:socktuple",
        traits="uses_fd writes_fd",
        default="ignored",
        calls="",
    ),
    call(
        "sendto",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32 tuple:socktuple",
        traits="uses_fd writes_fd modifies_state",
        default="state",
    ),
    call(
        "sendmsg",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32 tuple:socktuple",
        traits="uses_fd writes_fd modifies_state",
        default="state",
    ),
    call(
        "sendmmsg",
        "io_write",
        "res:errno fd:fd size:uint32 data:bytes tuple:socktuple",
        traits="uses_fd writes_fd modifies_state",
        default="state",
    ),
)
