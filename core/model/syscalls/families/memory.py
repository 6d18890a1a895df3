"""Calls on memory."""

from mozu.core.model.syscalls.declare import EventType, call

EVENTS: tuple[EventType, ...] = (
    call("brk", "memory", "res:uint64:x vm_size:uint32 vm_rss:uint32 vm_swap:uint32 addr:uint64:x"),
    call(
        "mmap",
        "memory",
        "res:errno:x vm_size:uint32 vm_rss:uint32 vm_swap:uint32 addr:uint64:x length:uint64 "
        "prot:flags32:x:prot_flags flags:flags32:x:mmap_flags fd:fd offset:uint64",
        traits="uses_fd",
    ),
    call(
        "mmap2",
        "memory",
        "res:errno:x vm_size:uint32 vm_rss:uint32 vm_swap:uint32 addr:uint64:x length:uint64 "
        "prot:flags32:x:prot_flags flags:flags32:x:mmap_flags fd:fd pgoffset:uint64",
        traits="uses_fd",
        calls="",
    ),
    call("mprotect", "memory", "res:errno addr:uint64:x length:uint64 prot:flags32:x:prot_flags"),
    call("munmap", "memory", "res:errno vm_size:uint32 vm_rss:uint32 vm_swap:uint32 addr:uint64:x length:uint64"),
    call("mlock", "memory", "res:errno addr:uint64:x len:uint64"),
    call("mlock2", "memory", "res:errno addr:uint64:x len:uint64 flags:flags32:x:mlock2_flags"),
    call("mlockall", "memory", "res:errno flags:flags32:x:mlockall_flags"),
    call("munlock", "memory", "res:errno addr:uint64:x len:uint64"),
    call("munlockall", "memory", "res:errno"),
)
