/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel as headers of bpf/ read it, for user space: structs with the members that they name (those of the running
   kernel if KERNEL_TYPES is a file of them), maps, helpers. The caller's memory is `user_memory`: reads of kernel memory
   fail there, reads of the caller's memory fail elsewhere, and both fail below the first page. Calls of helpers by number
   are rewritten to helper_NUMBER (tests/support/bpf_compiled.py). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64; typedef uint32_t u32; typedef uint16_t u16; typedef uint8_t u8;
typedef int64_t s64; typedef int32_t s32; typedef int16_t s16; typedef int8_t s8;

#define ARCH "arch/x86_64.h"
#define DEPTH 40
#define NR_open 2
#define NR_creat 85
#define NR_openat2 437
#define O_DIRECTORY 0200000

#ifdef KERNEL_TYPES
#include KERNEL_TYPES
#else
struct hlist_bl_node { struct hlist_bl_node *next, **pprev; };
struct qstr { u32 hash, len; const unsigned char *name; };
struct super_block { u32 s_dev; u64 s_flags, s_magic; struct dentry *s_root; };
struct inode { u16 i_mode; u32 i_uid, i_gid, i_flags; struct super_block *i_sb; u64 i_ino; };
struct ovl_inode { struct inode vfs_inode; struct dentry *__upperdentry; };
struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
  unsigned char d_iname[32];
};
struct vfsmount { struct dentry *mnt_root; struct super_block *mnt_sb; int mnt_flags; };
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; };
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct file { struct path f_path; struct inode *f_inode; u32 f_mode, f_flags; void *private_data; };
struct kiocb { struct file *ki_filp; };
struct fdtable { u32 max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct fs_struct { struct path root, pwd; };
struct in6 { u8 bytes[16]; };
struct sock_common {
  u32 skc_daddr, skc_rcv_saddr;
  u16 skc_dport, skc_num, skc_family;
  u8 skc_state;
  struct in6 skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock { struct sock_common __sk_common; u16 sk_type, sk_protocol; };
struct socket { struct sock *sk; };
struct unix_address { s32 len; u8 name[130]; };
struct unix_sock { struct sock sk; struct unix_address *addr; struct sock *peer; };
struct thread_info { u32 status; };
struct task_struct {
  struct thread_info thread_info;
  u32 pid, tgid, flags;
  u64 start_boottime, self_exec_id;
  struct task_struct *real_parent;
  struct files_struct *files;
  struct fs_struct *fs;
  struct { struct { struct { struct { u64 id; } *kn; } *cgroup; } *memory; } *cgroups;
};
#define KERNEL_CONSTANT(name) 0
struct pt_regs { u64 orig_ax, ip, di, si, dx, r10, r8, r9, bx, cx, bp; };
struct io_ring_ctx { u32 flags, cached_sq_head, sq_entries; void *sq_sqes; u32 *sq_array; };
struct io_cqe { u64 user_data; };
#endif

enum {
  RING, FLOW, ACCOUNTS, TAB, GROUP_TAB, METER, SCRATCH, COUNTS, SETTINGS, SYSCALL_CTX, FILTER_SCRATCH, OPENED_PATHS,
  GENERATION, CGROUP_MOVES, COMM_VERDICTS, COMM_DEFAULT, PROC_COMM_VERDICTS, PROC_VERDICTS, TASK_CHANGES, TASK_VERSIONS,
  JUDGED_CALLS, CALLER_CLASSES, RECOGNISED, PROGS, KILLS, KILL_SPARED, KILL_SHARED, ARG_LAYOUTS, OPENED_AT, NAMED_FILES, MAPS
};
#define bpf_pseudo_fd(kind, name) ((u64)(name) + 1)

static char user_memory[1 << 16];
static bool is_users(const void *at) { return (char *)at >= user_memory && (char *)at < user_memory + sizeof(user_memory); }

static long read_memory(void *to, u32 size, const void *from, bool is_readable) {
  __builtin_memset(to, 0, is_readable ? 0 : size);
  if (!is_readable) return -14;
  __builtin_memcpy(to, from, size);
  return 0;
}
static long read_text(char *to, u32 size, const char *from, bool is_readable) {
  if (!is_readable || !size) return -14;
  for (u32 i = 0; i < size; i++) {
    to[i] = from[i];
    if (!from[i]) return i + 1;
  }
  to[size - 1] = 0;
  return size;
}
static bool is_kernels(const void *at) { return (u64)at >= 4096 && !is_users(at); }
static bool are_users(const char *from, u32 size) { return is_users(from) && is_users(from + (size ? size - 1 : 0)); }
static long helper_112(void *to, u32 size, const void *from) { return read_memory(to, size, from, are_users(from, size)); }
static long helper_113(void *to, u32 size, const void *from) { return read_memory(to, size, from, is_kernels(from)); }
static long helper_114(void *to, u32 size, const void *from) { return read_text(to, size, from, is_users(from)); }
static long helper_115(void *to, u32 size, const void *from) { return read_text(to, size, from, is_kernels(from)); }

/* A map: `values` of keys 0, 1, … if it is an array; else up to `places` entries, in the order of insertion. */
struct map { u32 key_size, value_size, places; bool is_array; u32 used; char keys[64][16]; char *values; };
static struct map maps[MAPS];

static void *bpf_map_lookup_elem(void *map, const void *key) {
  struct map *one = &maps[(u64)map - 1];
  if (one->is_array) return *(u32 *)key < one->places ? one->values + *(u32 *)key * one->value_size : 0;
  for (u32 i = 0; i < one->used; i++)
    if (!__builtin_memcmp(one->keys[i], key, one->key_size)) return one->values + i * one->value_size;
  return 0;
}
static long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags) {
  struct map *one = &maps[(u64)map - 1];
  char *at = bpf_map_lookup_elem(map, key);
  if (at && flags == 1) return -17;
  if (!at) {
    if (one->is_array || one->used == one->places) return -7;
    __builtin_memcpy(one->keys[one->used], key, one->key_size);
    at = one->values + one->used++ * one->value_size;
  }
  __builtin_memcpy(at, value, one->value_size);
  return 0;
}
static long bpf_map_delete_elem(void *map, const void *key) {
  struct map *one = &maps[(u64)map - 1];
  for (u32 i = 0; i < one->used; i++)
    if (!__builtin_memcmp(one->keys[i], key, one->key_size)) {
      one->used--;
      __builtin_memcpy(one->keys[i], one->keys[one->used], one->key_size);
      __builtin_memcpy(one->values + i * one->value_size, one->values + one->used * one->value_size, one->value_size);
      return 0;
    }
  return -2;
}

static struct task_struct tasks[64], *current = tasks;
static u64 now, current_cgroup;
static char output[1 << 15];
static u64 output_length, output_flags, refuses_output;
static struct task_struct *bpf_get_current_task_btf(void) { return current; }
static u64 bpf_get_current_pid_tgid(void) { return (u64)current->tgid << 32 | current->pid; }
static u64 bpf_get_current_uid_gid(void) { return 0; }
static u64 bpf_get_current_cgroup_id(void) { return current_cgroup; }
static u64 bpf_ktime_get_boot_ns(void) { return ++now; }
static u32 bpf_get_smp_processor_id(void) { return 3; }
static void *bpf_task_pt_regs(struct task_struct *task) { return 0; }
static long bpf_ringbuf_output(void *map, void *from, u64 length, u64 flags) {
  if (refuses_output) return -11;
  __builtin_memcpy(output, from, length);
  output_length = length;
  output_flags = flags;
  return 0;
}
static u64 filled; /* bytes in the ring buffer */
static u64 helper_RINGBUF_QUERY(void *map, u64 what) { return filled; }
static u32 went_on; /* by a tail call, to this index */
static void helper_BPF_FUNC_tail_call(void *context, void *map, u32 index) { went_on = index; }
