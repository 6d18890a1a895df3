"""A task and its surroundings in kernel_memory.py: a process of a container with files, mounts, credentials,
cgroups."""

import ctypes
import itertools
import struct
from typing import Final

from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.maps import SIZES
from tests.support.kernel_memory import Kernel
from tests.support.kernel_tree import Memory

FLOW, SCRATCH, COUNTS, SETTINGS, SYSCALL_CTX, FILTER_SCRATCH, OPENED_PATHS = 1, 6, 7, 8, 9, 10, 11
KILLS, KILL_SPARED, KILL_SHARED, ARG_LAYOUTS = 24, 25, 26, 27
"""Numbers of maps in kernel_model.h."""
DIRECTORY, REGULAR, SOCKET, FIFO = 0o040755, 0o100644, 0o140777, 0o010644
COMMON, RESERVED, EXACT = range(3)
PID, TID, PARENT = 70, 77, 60
EXT4, TMPFS, OVERLAYFS = 0xEF53, 0x01021994, 0x794C7630
_NUMBERS: Final = 1100
_NAMES: Final = ("TGID", "PGID", "SID")


pointer: Final = ctypes.c_void_p
"""Type of an address, or of a number of 64 bits, in a call of the model's functions."""


class Machine:
    """Two mounts (that of the kernel's own root, and one over it), a directory /srv, and a task with the number TID.
    `s` is the record of a call."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.library = kernel, kernel.library
        self.blocks = [kernel.new("super_block", s_dev=0x800000 + one, s_magic=EXT4) for one in range(4)]
        top = self.dentry(0, "/", self.inode())
        self.root = self.dentry(0, "/", self.inode(block=1))
        under = self.mount(0, 0, top, 0)
        self.mounted = self.mount(under, top, self.root, 1)
        self.srv = self.dentry(self.root, "srv", self.inode(block=1))
        self._maps()
        self.task = self.new_task(PID, TID)
        self.run(self.task)

    def _maps(self) -> None:
        kernel = self.kernel
        self.s = kernel.map(SCRATCH, 4, SIZES["SCRATCH_SIZE"], 5, is_array=True)
        self.settings = self._one(SETTINGS, "settings")
        self.call = self._one(SYSCALL_CTX, "syscall_ctx")
        self.filter = self._one(FILTER_SCRATCH, "filter_scratch")
        self.flow = self._one(FLOW, "flow")
        kernel.map(COUNTS, 4, 32, _NUMBERS, is_array=True)
        kernel.map(OPENED_PATHS, 8, SIZES["OPENED_PATH_SIZE"], 8, is_array=False)
        self.settings.put("own", 3)

    def _one(self, number: int, name: str) -> Memory:
        return Memory(name, self.kernel.map(number, 4, wire.size(name), 1, is_array=True))

    def inode(self, mode: int = DIRECTORY, block: int = 0, **members: int | bytes) -> int:
        """Make an inode on one of four file systems."""
        return self.kernel.new("inode", i_mode=mode, i_sb=self.blocks[block], **members)

    def times(self, change: tuple[int, int], modify: tuple[int, int]) -> dict[str, int | bytes]:
        """Return the members of an inode for the seconds and nanoseconds of its change and of its modification."""
        if self.kernel.has("inode__i_ctime_sec"):
            names = ("i_ctime_sec", "i_ctime_nsec", "i_mtime_sec", "i_mtime_nsec")
            return dict(zip(names, (*change, *modify), strict=True))
        return {"i_ctime": struct.pack("<2q", *change), "i_mtime": struct.pack("<2q", *modify)}

    def layered(self, block: int, upper: int) -> int:
        """Make an inode of an overlay; `upper`: its dentry in the upper layer."""
        self.put("super_block", self.blocks[block], s_magic=OVERLAYFS)
        if not self.kernel.has("ovl_inode____upperdentry"):
            return self.inode(REGULAR, block)
        members = {"vfs_inode.i_mode": REGULAR, "vfs_inode.i_sb": self.blocks[block], "__upperdentry": upper}
        return self.kernel.new("ovl_inode", members) + self.kernel.offset("ovl_inode", "vfs_inode")

    def set_pages(self, kind: str, pages: int) -> None:
        """Set the task's count of pages of a kind: file, anon, swap or shmem."""
        self.put("mm_struct", self.of("task_struct", self.task, "mm"), **{f"rss_{kind}": pages})

    def dentry(self, parent: int, name: str, inode: int, *, hashed: bool = True) -> int:
        """Make a dentry. `parent` 0: a root. `hashed` False: it is unlinked."""
        text = self.kernel.text(name.encode())
        at = self.kernel.new("dentry", {"d_name.len": len(name), "d_name.name": text}, d_inode=inode)
        self.kernel.put("dentry", at, {"d_parent": parent or at, "d_hash.pprev": 8 if hashed else 0})
        return at

    def mount(self, parent: int, point: int, root: int, block: int, flags: int = 0) -> int:
        """Make a mount; return its struct vfsmount. `parent` 0: the mount is its own parent."""
        inner = self.kernel.offset("mount", "mnt")
        members = {
            "mnt.mnt_root": root,
            "mnt.mnt_sb": self.blocks[block],
            "mnt.mnt_flags": flags,
            "mnt_mountpoint": point,
        }
        at = self.kernel.new("mount", members)
        self.kernel.put("mount", at, {"mnt_parent": parent - inner if parent else at})
        return at + inner

    def path(self, dentry: int, mount: int | None = None) -> int:
        """Make a struct path."""
        return self.kernel.new("path", mnt=self.mounted if mount is None else mount, dentry=dentry)

    def file(self, dentry: int, mount: int | None = None, **members: int) -> int:
        """Make an open file."""
        inode = struct.unpack("<Q", self._read("dentry", dentry, "d_inode"))[0] if dentry else 0
        place = {"f_path.mnt": self.mounted if mount is None else mount, "f_path.dentry": dentry, "f_inode": inode}
        return self.kernel.new("file", place, **members)

    def named(self, name: str, mode: int = REGULAR, block: int = 1, **members: int) -> int:
        """Make an open file below /srv."""
        return self.file(self.dentry(self.srv, name, self.inode(mode, block, **members)))

    def socket(self, sock: int, **members: int) -> int:
        """Make an open file of a struct sock; 0: the socket has lost it."""
        dentry = self.dentry(0, "socket:[9]", self.inode(SOCKET, 3, i_ino=9))
        return self.file(dentry, private_data=self.kernel.new("socket", sk=sock), **members)

    def files(self, *files: int, count: int = 1) -> int:
        """Make a table of descriptors 0, 1 and so on; 0 stands for a descriptor that is not open."""
        table = self.kernel.new("fdtable", max_fds=len(files), fd=self.kernel.array(*files, self.kernel.zeroes + 1))
        return self.kernel.new("files_struct", fdt=table, count=count)

    def pid(self, *numbers: int) -> int:
        """Make a struct pid with a number in each namespace from the outermost on, whose init began at 1000 · level +
        1."""
        upids = b"".join(struct.pack("<i4xQ", number, self.namespace(level)) for level, number in enumerate(numbers))
        at = self.kernel.new("pid", level=len(numbers) - 1)
        self.kernel.write(at + self.kernel.offset("pid", "numbers"), upids)
        return at

    def namespace(self, level: int) -> int:
        """Make a pid namespace; the namespaces of the init of the outermost are those of the host."""
        hosts = self.kernel.new("nsproxy", mnt_ns=1, net_ns=2, ipc_ns=3)
        init = self.kernel.new("task_struct", start_boottime=1000 * level + 1, nsproxy=hosts)
        return self.kernel.new("pid_namespace", child_reaper=init)

    def new_task(self, tgid: int, tid: int, **members: int) -> int:
        """Make a process of the user 1000 with one thread, in the root mount and in /srv, that runs /srv/prog."""
        kernel = self.kernel
        root = {"root.mnt": self.mounted, "root.dentry": self.root, "pwd.mnt": self.mounted, "pwd.dentry": self.srv}
        ids = {
            "uid": 1001,
            "gid": 1002,
            "suid": 1003,
            "sgid": 1004,
            "euid": 1005,
            "egid": 1006,
            "fsuid": 1007,
            "fsgid": 1008,
        }
        signal = kernel.new("signal_struct", nr_threads=1, tty=0)
        numbers = [0, self.pid(tgid), self.pid(50), self.pid(40)]
        kernel.write(signal + kernel.offset("signal_struct", "pids"), struct.pack("<4Q", *numbers))
        parts = {
            "signal": signal,
            "files": self.files(),
            "fs": kernel.new("fs_struct", root),
            "mm": kernel.new("mm_struct", exe_file=self.named("prog", i_ino=4711)),
            "cred": kernel.new("cred", ids, user_ns=kernel.new("user_namespace")),
            "real_parent": kernel.new("task_struct", tgid=PARENT, pid=PARENT),
            "thread_pid": self.pid(tid),
            "nsproxy": kernel.new("nsproxy", mnt_ns=1, net_ns=2, ipc_ns=3),
            "cgroups": self.css_set(),
        }
        at = kernel.new("task_struct", {**parts, "tgid": tgid, "pid": tid, "start_boottime": 5_000_000_000, **members})
        kernel.put("task_struct", at, {"group_leader": at, "parent": kernel.zeroes, **members})
        return at

    def css_set(self, *groups: tuple[int, int]) -> int:
        """Make the cgroups of a task, each a struct kernfs_node and the id of its hierarchy."""
        kernel = self.kernel
        at = kernel.new("css_set")
        head = at + kernel.offset("css_set", "cgrp_links")
        links = []
        for node, hierarchy in groups:
            group = kernel.new("cgroup", kn=node, root=kernel.new("cgroup_root", hierarchy_id=hierarchy))
            links.append(kernel.new("cgrp_cset_link", cgrp=group))
        places = [head, *(link + kernel.offset("cgrp_cset_link", "cgrp_link") for link in links), head]
        for place, following in itertools.pairwise(places):  # the last is the first again
            kernel.put("list_head", place, {"next": following})
        return at

    def node(self, parent: int, name: str, number: int = 0) -> int:
        """Make a struct kernfs_node; `parent` 0: the root of a hierarchy. `number`: its hash."""
        return self.kernel.new("kernfs_node", parent=parent, name=self.kernel.text(name.encode()), hash=number)

    def run(self, task: int) -> None:
        """Make a task the current one, which makes the call."""
        self.library.set_current(pointer(task))
        numbers = (self.of("task_struct", task, "tgid"), self.of("task_struct", task, "pid"))
        self.call.put("task", numbers[0] << 32 | numbers[1])

    def put(self, name: str, at: int, /, **members: int) -> None:
        """Write members of a struct of the kernel."""
        self.kernel.put(name, at, members)

    def of(self, name: str, at: int, member: str) -> int:
        """Return a member of a struct: a number, or a pointer."""
        return int.from_bytes(self._read(name, at, member), "little")

    def _read(self, name: str, at: int, member: str) -> bytes:
        return self.kernel.read(name, at, member)

    def record(self, slot: int = 0) -> int:
        """Return the address at which the record of a slot begins."""
        found: int = self.library.record(pointer(self.s + slot * SIZES["SCRATCH_SIZE"]))
        return found

    def begin(self, name: str) -> int:
        """Begin an empty record of this struct; return its address."""
        size = wire.layouts()[name].size
        self.kernel.write(self.record(), bytes([0xEE]) * size)
        self.library.use_record(pointer(self.s), pointer(size))
        return self.record()

    def strings(self, name: str) -> bytes:
        """Return the bytes that were appended to the record."""
        size = wire.layouts()[name].size
        return self.kernel.bytes_at(self.record() + size, self.library.used(pointer(self.s)) - size)

    def marks(self, slot: int = 0) -> set[str]:
        """Return the marks of the record of a slot."""
        found = self.library.marks_of_record(pointer(self.s + slot * SIZES["SCRATCH_SIZE"]))
        return {name for name, bit in wire.marks().items() if found & bit}
