"""Calls that move bytes."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call("read", "io_read", "res:errno data:bytes fd:fd size:uint32", traits="uses_fd reads_fd", default="ignored"),
    call("readv", "io_read", "res:errno size:uint32 data:bytes fd:fd", traits="uses_fd reads_fd", default="ignored"),
    call(
        "pread",
        "io_read",
        "res:errno data:bytes fd:fd size:uint32 pos:uint64",
        traits="uses_fd reads_fd",
        default="ignored",
        calls="pread64",
    ),
    call(
        "preadv",
        "io_read",
        "res:errno size:uint32 data:bytes fd:fd pos:uint64",
        traits="uses_fd reads_fd",
        default="ignored",
    ),
    call(
        "write",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32",
        traits="uses_fd writes_fd",
        default="ignored",
    ),
    call(
        "writev",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32",
        traits="uses_fd writes_fd",
        default="ignored",
    ),
    call(
        "pwrite",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32 pos:uint64",
        traits="uses_fd writes_fd",
        default="ignored",
        calls="pwrite64",
    ),
    call(
        "pwritev",
        "io_write",
        "res:errno data:bytes fd:fd size:uint32 pos:uint64",
        traits="uses_fd writes_fd",
        default="ignored",
    ),
    call("lseek", "file", "res:errno fd:fd offset:uint64 whence:enum8:lseek_whence", traits="uses_fd"),
    call("llseek", "file", "res:errno fd:fd offset:uint64 whence:enum8:lseek_whence", traits="uses_fd", calls=""),
    call(
        "sendfile",
        "io_write",
        "res:errno offset:uint64 out_fd:fd in_fd:fd size:uint64",
        traits="uses_fd",
        default="ignored",
    ),
    call(
        "splice",
        "io_other",
        "res:errno fd_in:fd fd_out:fd size:uint64 flags:flags32:x:splice_flags",
        traits="uses_fd",
    ),
    call(
        "copy_file_range",
        "file",
        "res:errno fdout:fd offout:uint64 fdin:fd offin:uint64 len:uint64",
        traits="uses_fd reads_fd writes_fd",
    ),
    call("process_vm_readv", "ipc", "res:int64 pid:pid data:bytes"),
    call("process_vm_writev", "ipc", "res:int64 pid:pid data:bytes"),
)
