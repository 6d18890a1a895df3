"""Kernel structs and members that the programs read, with the types by which they read them, and the relocation of
programs by the offsets that the running kernel's BTF has for them.

A member is `name:type`, with more behind it:

    =first|second   names in different kernels; `a.b` is in a struct or array by value, `a[n]` an element, where n
                    may be an enumerator
    @n              always at this offset
    +               always directly behind the member before, as far as its alignment allows
    ?               some kernels have no such member: HAS(struct__name) of bpf/record.h

Types: those of bpf/mozu.h, `*struct`, `*void`, structs by value, `bit` (a bit field of one bit), and `cN`: N bytes of
which the kernel may have more.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.core.model.arch import MACHINE
from mozu.plugins.sources.ebpf import btf, uring
from mozu.plugins.sources.ebpf.objects.kernel_features import SIGNAL_KFUNCS
from mozu.plugins.sources.ebpf.objects.object_file import Variant
from mozu.plugins.sources.ebpf.objects.relocatable import (
    DEPTH,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    UnknownSymbol,
    terms,
)

STRUCTS: Final[dict[str, str]] = {
    "task_struct": (
        "pid:s32 tgid:s32 mm:*mm_struct files:*files_struct fs:*fs_struct cred:*cred signal:*signal_struct "
        "real_parent:*task_struct cgroups:*css_set loginuid:u32? exit_code:s32 thread_pid:*pid maj_flt:u64 "
        "min_flt:u64 start_boottime:u64=start_boottime|real_start_time comm:u8[16] children:list_head "
        "task_works:*void nsproxy:*nsproxy thread_info:thread_info flags:u32 self_exec_id:u64 "
        "state:u32=__state|state group_leader:*task_struct parent:*task_struct ptrace:u32"
    ),
    "thread_info": MACHINE.thread_info,
    "pt_regs": MACHINE.saved_registers,
    "signal_struct": (
        "live:u32 nr_threads:s32 pids:*pid[4] tty:*tty_struct flags:u32 group_exit_code:s32 rlim:c16[16] "
        "is_child_subreaper:bit has_child_subreaper:bit"
    ),
    "kernel_siginfo": "si_code:s32 _sifields:c32",
    "list_head": "next:*list_head@0 prev:*list_head@8",
    "pid": "level:u32 numbers:upid[0]",
    "upid": "nr:s32@0 ns:*pid_namespace@8",
    "pid_namespace": "child_reaper:*task_struct",
    "tty_struct": "index:s32 driver:*tty_driver",
    "tty_driver": "major:s32 minor_start:s32",
    "cred": (
        "uid:u32 gid:u32 suid:u32 sgid:u32 euid:u32 egid:u32 fsuid:u32 fsgid:u32 cap_effective:u64 "
        "cap_permitted:u64 cap_inheritable:u64 user_ns:*user_namespace"
    ),
    "user_namespace": "level:s32 owner:u32",
    "mnt_namespace": "user_ns:*user_namespace",
    "nsproxy": "mnt_ns:*mnt_namespace net_ns:*void? ipc_ns:*void?",
    "mm_struct": (
        "start_stack:u64 arg_start:u64 arg_end:u64 env_start:u64 env_end:u64 exe_file:*file total_vm:u64 "
        "rss_file:s64=rss_stat[0].count|rss_stat.count[0] rss_anon:s64=rss_stat[1].count|rss_stat.count[1] "
        "rss_swap:s64=rss_stat[2].count|rss_stat.count[2] rss_shmem:s64=rss_stat[3].count|rss_stat.count[3]"
    ),
    "linux_binprm": "filename:*void file:*file buf:u8[256] interp:*void executable:*file",
    "files_struct": "fdt:*fdtable count:u32",
    "fdtable": "max_fds:u32 fd:*void",
    "fs_struct": "root:path pwd:path",
    "path": "mnt:*vfsmount@0 dentry:*dentry@8",
    "file": (
        "f_path:path f_inode:*inode f_mode:u32 f_flags:u32 private_data:*void f_work:c16=f_task_work|f_rcuhead|f_u?"
    ),
    "dentry": (
        "d_hash:hlist_bl_node d_parent:*dentry d_name:qstr=__d_name|d_name+ d_inode:*inode+ "
        "d_iname:c32=d_shortname|d_iname+"
    ),
    "hlist_bl_node": "pprev:*void@8",
    "qstr": "len:u32@4 name:*void@8",
    "vfsmount": "mnt_root:*dentry mnt_sb:*super_block+ mnt_flags:s32",
    "mount": "mnt_parent:*mount mnt_mountpoint:*dentry+ mnt:vfsmount mnt_ns:*mnt_namespace",
    "inode": (
        "i_mode:u16 i_uid:u32 i_gid:u32 i_flags:u32 i_sb:*super_block i_ino:u64 i_ctime_sec:s64? "
        "i_ctime_nsec:u32? i_mtime_sec:s64? i_mtime_nsec:u32? i_ctime:c16=i_ctime|__i_ctime? "
        "i_mtime:c16=i_mtime|__i_mtime?"
    ),
    "super_block": "s_dev:u32 s_flags:u64 s_magic:u64 s_root:*dentry s_user_ns:*user_namespace",
    "ovl_inode": "vfs_inode:inode __upperdentry:*dentry?",
    "css_set": "cgrp_links:list_head memory:*cgroup_subsys_state=subsys[memory_cgrp_id]?",
    "cgroup_subsys_state": "cgroup:*cgroup",
    "cgrp_cset_link": "cgrp:*cgroup cgrp_link:list_head",
    "cgroup": "kn:*kernfs_node root:*cgroup_root",
    "cgroup_root": "hierarchy_id:s32",
    "kernfs_node": "parent:*kernfs_node=__parent|parent name:*void hash:u32 id:u64",
    "socket": "sk:*sock",
    "sock": "__sk_common:sock_common@0 sk_type:u16 sk_protocol:u16 sk_ack_backlog:u32 sk_max_ack_backlog:u32",
    "unix_sock": "addr:*unix_address peer:*sock",
    "unix_address": "len:s32 name:c0",
    "io_ring_ctx": "flags:u32? cached_sq_head:u32? sq_entries:u32? sq_sqes:*void? sq_array:*void?",
    "io_kiocb": "file:*file? ctx:*io_ring_ctx? opcode:u8? cqe:io_cqe?",
    "io_cqe": "user_data:u64@0",
    "io_open": "file_slot:u32? how:c24?",
    "kiocb": "ki_filp:*file@0",
    "msghdr": "msg_name:*void msg_namelen:s32 msg_flags:u32",
    "sock_common": (
        "skc_family:u16@16 skc_state:u8@18 skc_daddr:u32@0 skc_rcv_saddr:u32@4 skc_dport:u16@12 "
        "skc_num:u16@14 skc_v6_daddr:c16@56? skc_v6_rcv_saddr:c16@72?"
    ),
}

CAST_TO: Final = tuple(STRUCTS)
"""Structs that programs can cast pointers to."""
ENUMERATIONS: Final = ("cgroup_subsys_id", "pid_type")
HELPER: Final = "bpf_task_pt_regs"
"""The newest helper that programs call: Linux 5.15."""
PIDS: Final = {"PIDTYPE_TGID": 1, "PIDTYPE_PGID": 2, "PIDTYPE_SID": 3}
"""Kinds of pid (enum pid_type), the same since Linux 4.19."""
_SIZES: Final = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8}
_POINTER: Final = 8
_MEMBER: Final = re.compile(r"(\w+):(\*?)(\w+?)((?:\[\d+\])*)(?:=([^@+?]+))?(?:@(\d+)|(\+))?(\??)")


class KernelMember(NamedTuple):
    """A member that programs read."""

    name: str
    paths: tuple[str, ...]
    """The paths to it in different kernels."""
    is_pointer: bool
    type: str
    array: str
    """Numbers of elements, as in C."""
    at: int | None
    """Offset in bytes, if it is the same in every kernel; else None."""
    is_behind: bool
    """True if it is always directly behind the member before."""
    is_optional: bool

    @property
    def inner(self) -> str:
        """Name of the struct that it is, or whose array it is; empty for other members."""
        return "" if self.is_pointer or self.type not in STRUCTS else self.type

    @property
    def is_bit(self) -> bool:
        """True for a bit field, of which programs get the number of the bit as a constant."""
        return self.type == "bit"

    @property
    def bytes(self) -> int:
        """Bytes of a member that is no struct, of all elements; of a type `cN` no less than that."""
        one = _POINTER if self.is_pointer else _SIZES.get(self.type) or int(self.type.removeprefix("c"))
        for count in re.findall(r"\d+", self.array):
            one *= int(count)
        return one

    @property
    def is_exact(self) -> bool:
        """True if the kernel's member has just as many bytes."""
        return self.is_pointer or self.type in _SIZES

    @property
    def declaration(self) -> str:
        """The declaration in C. `volatile`: a compiler that joins two neighbouring loads makes an access that the
        verifier refuses on typed pointers."""
        if self.is_pointer:
            return f"{self.type if self.type == 'void' else f'struct {self.type}'} *volatile {self.name}{self.array}"
        if self.inner:
            return f"struct {self.type} {self.name}{self.array}"
        if self.type in _SIZES:
            return f"volatile {self.type} {self.name}{self.array}"
        return f"char {self.name}{self.array}[{self.type.removeprefix('c')}]"


def members(text: str) -> tuple[KernelMember, ...]:
    """Return the members of one struct, from the text in STRUCTS."""
    found = []
    for item in text.split():
        match = _MEMBER.fullmatch(item)
        if match is None:
            raise ValueError(f"kernel_structs.py: cannot read {item!r}")
        name, star, kind, array, paths, at, behind, optional = match.groups()
        chosen = tuple((paths or name).split("|"))
        at = None if at is None else int(at)
        found.append(KernelMember(name, chosen, bool(star), kind, array, at, bool(behind), bool(optional)))
    return tuple(found)


MEMBERS: Final[Mapping[str, tuple[KernelMember, ...]]] = {name: members(text) for name, text in STRUCTS.items()}
"""Members by struct."""


_NEWER: Final = "mozu needs Linux 5.15 or later, and a newer mozu may know this kernel"
_FARTHEST: Final = 0x7FFF
"""Greatest offset that an instruction holds."""


class KernelLayout:
    """Layout of the structs in kernel_structs.py. Raises SourceUnavailable for a kernel that is too old or unknown."""

    def __init__(self, types: btf.Btf) -> None:
        if types.function(HELPER) is None:
            raise SourceUnavailable(f"source ebpf: this kernel has no {HELPER}; mozu needs Linux 5.15 or later")
        for name, value in PIDS.items():
            if types.enumerator("pid_type", name) != value:
                raise SourceUnavailable(f"source ebpf: {name} of this kernel is not {value}; {_NEWER}")
        self._offsets: dict[str, int] = {}
        self._constants = {"HAS_completed_cqe": int(uring.completes_cqe(types))}
        self._has_signals = all(types.function(name) is not None for name in SIGNAL_KFUNCS)
        for struct, members in MEMBERS.items():
            self._read(types, struct, members)

    def _read(self, types: btf.Btf, struct: str, members: tuple[KernelMember, ...]) -> None:
        is_optional = any(member.is_optional for member in members)
        if struct not in types and not is_optional:
            raise SourceUnavailable(f"source ebpf: this kernel has no struct {struct}; {_NEWER}")
        have = types.members(struct) if struct in types else {}
        end = 0
        for member in members:
            place = next(_places(types, have, member), None)
            if place is None and not member.is_optional and have:
                raise SourceUnavailable(
                    f"source ebpf: struct {struct} of this kernel has no member {'|'.join(member.paths)}; {_NEWER}"
                )
            if member.is_optional:
                self._constants[f"HAS_{struct}__{member.name}"] = int(place is not None)
            if member.is_bit:
                self._constants[f"{struct}__{member.name}"] = 0 if place is None else place.bit
                continue
            at = 0 if place is None else place.bit // 8
            self._offsets[f"{struct}.{member.name}"] = at
            if place is not None:
                _check(struct, member, types.extent(place.type_id)[0], at, end)
                end = at + types.extent(place.type_id)[0]

    def constant(self, name: str, *, casts: bool = True) -> int:
        """Return a number of codegen.CONSTANTS. Tasks are signalled by typed pointers (`casts`) only."""
        return int(self._has_signals and casts) if name == "HAS_signals_of_tasks" else self._constants[name]

    def relocated(self, code: RelocatableCode, variant: Variant, depth: int) -> RelocatableCode:
        """Return the code with the offsets and constants of this kernel. `depth`: DEPTH. Raises UnknownSymbol."""
        text, others = bytearray(code.instructions), []
        for one in code.relocations:
            if one.kind is Symbol.CONSTANT:
                _write_constant(text, one.at, self.constant(one.name, casts=variant.casts))
            elif one.kind in (Symbol.OFFSET, Symbol.DISTANCE):
                self._write_sum(text, code.name, one, depth)
            else:
                others.append(one)
        return RelocatableCode(code.name, bytes(text), tuple(others))

    def _write_sum(self, text: bytearray, name: str, one: Relocation, depth: int) -> None:
        value = one.addend
        for member, factor in terms(one.name).items():
            value += factor * (depth if member == DEPTH else self._offsets[member])
        place = one.at * INSTRUCTION.size
        operation, registers, offset, immediate = INSTRUCTION.unpack_from(text, place)
        if one.kind is Symbol.DISTANCE:
            immediate = value
        elif -_FARTHEST <= value <= _FARTHEST:
            offset = value
        else:
            raise UnknownSymbol(f"{name} cannot reach {one.name}, which is at {value} in this kernel")
        INSTRUCTION.pack_into(text, place, operation, registers, offset, immediate)


def _write_constant(text: bytearray, at: int, value: int) -> None:
    place = at * INSTRUCTION.size
    operation, registers, _, _ = INSTRUCTION.unpack_from(text, place)
    assert operation == LOAD_64
    INSTRUCTION.pack_into(text, place, operation, registers & 0xF, 0, value)
    INSTRUCTION.pack_into(text, place + INSTRUCTION.size, 0, 0, 0, 0)


def _places(types: btf.Btf, have: dict[str, btf.Member], member: KernelMember) -> Iterator[btf.Member]:
    """Yield the place of the member by each path that this kernel has."""
    for path in member.paths:
        label, inside = path, ""
        for separator in ".[":
            if separator in label:
                label = label[: label.index(separator)]
        inside = path[len(label) :]
        if label in have and (found := types.inside(have[label], inside, ENUMERATIONS)) is not None:
            yield found


def _check(struct: str, member: KernelMember, size: int, at: int, end: int) -> None:
    """Check a member against what the programs take for granted. `end`: of the member before. Raises
    SourceUnavailable."""
    expected = at if member.at is None else member.at
    expected = end if member.is_behind else expected
    if at != expected:
        raise SourceUnavailable(
            f"source ebpf: struct {struct}.{member.name} of this kernel is at {at}, expected {expected}; {_NEWER}"
        )
    if not member.inner and (size != member.bytes if member.is_exact else size < member.bytes):
        raise SourceUnavailable(
            f"source ebpf: struct {struct}.{member.name} of this kernel has {size} bytes, expected {member.bytes}; "
            f"{_NEWER}"
        )
