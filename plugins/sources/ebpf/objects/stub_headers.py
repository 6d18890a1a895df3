"""Stub headers for the compiler: a dozen that bcc's own prologue includes.

bcc searches for the kernel's headers, which few machines have. They contain no kernel layout: layouts come from BTF.
"""

from typing import Final

_TYPES: Final = """#pragma once
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef signed char s8; typedef short s16; typedef int s32; typedef long long s64;
typedef u8 __u8; typedef u16 __u16; typedef u32 __u32; typedef u64 __u64;
typedef s8 __s8; typedef s16 __s16; typedef s32 __s32; typedef s64 __s64;
typedef u16 __le16; typedef u32 __le32; typedef u64 __le64; typedef u16 __be16; typedef u32 __be32; typedef u64 __be64;
typedef u16 __sum16; typedef u32 __wsum;
typedef _Bool bool; typedef unsigned long size_t; typedef unsigned long uintptr_t; typedef int pid_t;
#define __aligned_u64 u64 __attribute__((aligned(8)))
enum { false, true };
"""
_SEE_TYPES: Final = "#include <linux/types.h>\n"
HEADERS: Final = {
    "include/linux/types.h": _TYPES,
    "include/linux/kconfig.h": "#define CONFIG_BPF_SYSCALL 1\n#define PAGE_SIZE 4096\n",
    "include/linux/version.h": (
        "#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))\n"
        "#define LINUX_VERSION_CODE KERNEL_VERSION(5, 15, 0)\n"
    ),
    "include/linux/log2.h": _SEE_TYPES,
    "include/linux/bpf_common.h": "\n",
    "include/uapi/linux/bpf.h": "#include <bcc/bpf.h>\n",
    "include/uapi/linux/ptrace.h": _SEE_TYPES,
    "include/uapi/linux/if_ether.h": _SEE_TYPES,
    "include/uapi/linux/if_packet.h": _SEE_TYPES,
    **{f"arch/{folder}/include/asm/page.h": _SEE_TYPES for folder in ("x86", "arm64")},
}
"""Headers that bcc's own prologue includes, by path, without any kernel layout."""
