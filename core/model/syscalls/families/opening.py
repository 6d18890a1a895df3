"""Calls that open a file by its name."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call(
        "open",
        "file",
        "fd:fd name:fspath flags:flags32:x:file_flags mode:uint32:o dev:uint32:x ino:uint64",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "openat",
        "file",
        "fd:fd dirfd:fd name:fsrelpath@1 flags:flags32:x:file_flags mode:uint32:o dev:uint32:x ino:uint64",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "openat2",
        "file",
        "fd:fd dirfd:fd name:fsrelpath@1 flags:flags32:x:file_flags mode:uint32:o "
        "resolve:flags32:x:openat2_flags dev:uint32:x ino:uint64",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "open_by_handle_at",
        "file",
        "fd:fd mountfd:fd flags:flags32:x:file_flags path:fspath dev:uint32:x ino:uint64",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "creat",
        "file",
        "fd:fd name:fspath mode:uint32:o dev:uint32:x ino:uint64 creat_flags:flags16:x:creat_flags",
        traits="creates_fd modifies_state",
        default="state",
    ),
    call(
        "memfd_create",
        "memory",
        "fd:fd name:string flags:flags32:x:memfd_create_flags",
        traits="creates_fd modifies_state",
        default="state",
    ),
)
