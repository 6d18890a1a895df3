/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/path.h, bpf/kernel_filter.h and bpf/verdict_memory.h compiled for user space, beside trees of directories and mounts. */
#include "kernel_model.h"
#include "verdict_memory.h"

#define MOST 512
static struct dentry dentries[MOST];
static struct inode inodes[MOST];
static struct mount mounts[64];
static struct super_block blocks[8];
static struct file files[16], *slots[16];
static struct fdtable table = {.max_fds = 16, .fd = slots};
static struct files_struct opened = {.fdt = &table};
static struct fs_struct fs;
static struct socket sockets[16];
static struct sock socks[16];
static char names[MOST][256];
static int number_of_names;
static struct scratch scratches[5];
static struct filter_scratch filter;
static struct syscall_ctx call;
static struct counts counts[NUMBERS_END];
static struct settings settings;
static struct flow flow;
static struct tab tabs[1];
static struct group_tab groups[1];
static struct meter meter;
static struct account accounts[ACCOUNT_PLACES];
static struct opened_path paths[4];
static struct named_file named_files[4];
static struct opened_at places[OPENED_PLACES];
static struct verdicts known[4], named[4], by_name[4], other_names;
static u64 generation, moves, versions[32], recognised;
static u8 changes[NUMBERS_END];
static u32 judged[4];
static struct caller_class classes[32];

#define ARRAY(name, array) maps[name] = (struct map){4, sizeof((array)[0]), sizeof(array) / sizeof((array)[0]), true, 0, {}, (char *)(array)}
#define ONE(name, value) maps[name] = (struct map){4, sizeof(value), 1, true, 0, {}, (char *)&(value)}
#define HASH(name, array, size) maps[name] = (struct map){size, sizeof((array)[0]), sizeof(array) / sizeof((array)[0]), false, 0, {}, (char *)(array)}

void begin(void) {
  __builtin_memset(dentries, 0, sizeof(dentries)); __builtin_memset(inodes, 0, sizeof(inodes));
  __builtin_memset(mounts, 0, sizeof(mounts)); __builtin_memset(blocks, 0, sizeof(blocks));
  __builtin_memset(slots, 0, sizeof(slots)); __builtin_memset(scratches, 0, sizeof(scratches));
  __builtin_memset(&filter, 0xee, sizeof(filter)); __builtin_memset(&call, 0, sizeof(call));
  __builtin_memset(counts, 0, sizeof(counts)); __builtin_memset(tasks, 0, sizeof(tasks));
  __builtin_memset(&meter, 0, sizeof(meter)); __builtin_memset(accounts, 0, sizeof(accounts));
  __builtin_memset(tabs, 0, sizeof(tabs)); __builtin_memset(groups, 0, sizeof(groups));
  __builtin_memset(places, 0, sizeof(places)); __builtin_memset(changes, 0, sizeof(changes)); __builtin_memset(&fs, 0, sizeof(fs));
  filter.given.raw = filter.real.raw = 0;
  filter.caller = (struct caller){};
  ARRAY(SCRATCH, scratches); ARRAY(COUNTS, counts); ONE(SETTINGS, settings); ONE(SYSCALL_CTX, call); ONE(FILTER_SCRATCH, filter);
  ONE(FLOW, flow); ARRAY(TAB, tabs); ARRAY(GROUP_TAB, groups); ONE(METER, meter); ARRAY(ACCOUNTS, accounts);
  HASH(OPENED_PATHS, paths, 8); ARRAY(OPENED_AT, places); ONE(GENERATION, generation); ONE(CGROUP_MOVES, moves); HASH(COMM_VERDICTS, by_name, 16);
  ONE(COMM_DEFAULT, other_names); HASH(PROC_COMM_VERDICTS, named, 4); HASH(PROC_VERDICTS, known, 4); ARRAY(TASK_CHANGES, changes);
  HASH(TASK_VERSIONS, versions, 4); HASH(JUDGED_CALLS, judged, 8); HASH(CALLER_CLASSES, classes, 8); ONE(RECOGNISED, recognised);
  HASH(NAMED_FILES, named_files, sizeof(struct file_numbers));
  settings = (struct settings){.own = 1};
  flow = (struct flow){.watermark = 1 << 20, .limit = 1 << 20, .reserved = 1 << 16, .secret = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull}};
  generation = 5;
  moves = recognised = 0;
  number_of_names = 0;
  now = 1000;
  output_length = output_flags = refuses_output = filled = 0;
  current = tasks;
  tasks[0] = (struct task_struct){.pid = 77, .tgid = 70, .start_boottime = 9, .self_exec_id = 1, .files = &opened, .fs = &fs};
}

/* Maps that are missing count as empty. */
void without(u32 map) { maps[map].places = maps[map].used = 0; }

void add_inode(u32 at, u32 mode, u32 block) { inodes[at] = (struct inode){.i_mode = mode, .i_sb = &blocks[block], .i_ino = 1000 + at}; blocks[block].s_dev = 7 + block; }
/* Store the path that mozu has for the file of a dentry. */
void name_file(u32 at, const char *path) {
  struct inode *inode = dentries[at].d_inode;
  struct file_numbers key = {.inode = inode->i_ino, .device = inode->i_sb->s_dev};
  struct named_file value = {.length = __builtin_strlen(path)};
  __builtin_memcpy(value.path, path, value.length);
  bpf_map_update_elem(MAP(NAMED_FILES), &key, &value, 0);
  settings.named_inodes |= 1u << (key.inode & 31);
}
void add_dentry(u32 at, u32 parent, const char *name, u32 inode) {
  struct dentry *one = &dentries[at];
  u32 length = __builtin_strlen(name);
  char *kept = length < 32 ? (char *)one->d_iname : names[number_of_names++];
  __builtin_memset(one->d_iname, 0x5a, sizeof(one->d_iname)); /* remains of an earlier name */
  __builtin_memcpy(kept, name, length + 1);
  one->d_parent = &dentries[parent];
  one->d_name = (struct qstr){.len = length, .name = (unsigned char *)kept};
  one->d_inode = &inodes[inode];
}
void add_mount(u32 at, u32 parent, u32 point, u32 root, u32 block) {
  mounts[at] = (struct mount){&mounts[parent], &dentries[point], {&dentries[root], &blocks[block]}};
}
static struct path path_of(u32 mount, u32 dentry) { return (struct path){&mounts[mount].mnt, &dentries[dentry]}; }
void add_file(u32 fd, u32 mount, u32 dentry, int socket, u32 family, u32 protocol, u32 state, u32 port) {
  files[fd] = (struct file){.f_path = path_of(mount, dentry), .f_inode = dentries[dentry].d_inode};
  slots[fd] = &files[fd];
  if (!socket) return;
  socks[fd] = (struct sock){.__sk_common = {.skc_dport = port, .skc_family = family, .skc_state = state}, .sk_protocol = protocol};
  sockets[fd].sk = &socks[fd];
  files[fd].private_data = &sockets[fd];
}
void set_root(u32 mount, u32 dentry) { fs.root = path_of(mount, dentry); }
void set_cwd(u32 mount, u32 dentry) { fs.pwd = path_of(mount, dentry); }
void use_record(u64 bytes) { scratches[SLOT_CALL].used = bytes; scratches[SLOT_CALL].marks = 0; }
u64 used(void) { return scratches[SLOT_CALL].used; }
u32 marks_of_record(void) { return scratches[SLOT_CALL].marks; }
char *record(void) { return scratches[SLOT_CALL].record; }
char *walked(void) { return scratches[SLOT_CALL].path; }
u32 path_at(void) { return scratches[SLOT_CALL].path_at; }
char *users(void) { return user_memory; }
struct filter_scratch *filters(void) { return &filter; }
struct syscall_ctx *calls(void) { return &call; }
struct counts *counted(u32 type) { return &counts[type]; }
struct settings *set(void) { return &settings; }
struct flow *flows(void) { return &flow; }
struct task_struct *task(u32 at) { return &tasks[at]; }
void set_task(u32 at, u32 pid, u32 parent) { tasks[at].tgid = tasks[at].pid = pid; tasks[at].real_parent = &tasks[parent]; }
void set_time(u64 born, u64 execs) { tasks[0].start_boottime = born; tasks[0].self_exec_id = execs; }
void set_generation(u64 number, u64 moved) { generation = number; moves = moved; }
void set_verdict(int which, u32 pid, u64 of, u64 bits) {
  struct verdicts one = {of, bits};
  if (which == 3) { other_names = one; return; }
  bpf_map_update_elem((void *)(u64)((which == 1 ? PROC_VERDICTS : PROC_COMM_VERDICTS) + 1), &pid, &one, 0);
}
void set_name_verdict(const char *comm, u64 of, u64 bits) {
  char key[16] = {};
  struct verdicts one = {of, bits};
  __builtin_strncpy(key, comm, 15);
  bpf_map_update_elem(MAP(COMM_VERDICTS), key, &one, 0);
}
u64 verdict(int which, u32 pid, u64 *of) {
  struct verdicts *one = bpf_map_lookup_elem((void *)(u64)((which == 1 ? PROC_VERDICTS : PROC_COMM_VERDICTS) + 1), &pid);
  *of = one ? one->generation : 0;
  return one ? one->bits : 0;
}

/* --- what is tested */

u32 walk(u32 mount, u32 dentry) {
  struct path root = fs.root;
  return walk_path(&scratches[SLOT_CALL], &mounts[mount].mnt, &dentries[dentry], &root);
}
u32 walk_real(u32 mount, u32 dentry) {
  struct path root = fs.root, path = path_of(mount, dentry);
  return walk_real_path(&scratches[SLOT_CALL], &path, &root);
}
u32 append_walk(u32 mount, u32 dentry, u16 *marks) {
  struct path root = fs.root, path = path_of(mount, dentry);
  if (dentry == MOST) path.dentry = 0;
  return append_path(&scratches[SLOT_CALL], &path, &root, marks);
}
u32 append_bytes(int space, const void *from, u64 length) { return append(&scratches[SLOT_CALL], space, from, length); }
u32 append_text(int space, const void *from) { return append_str(&scratches[SLOT_CALL], space, from); }
int plain(const char *text) {
  __builtin_strcpy(filter.given.bytes, text);
  return is_plain(&filter.given);
}
int name(s32 dirfd, u64 user) {
  take_open_args(&filter, &call);
  return name_of(&filter.given, &call, dirfd, user);
}
u64 reached(int compares) { return reached_by(&filter, &call, compares); }
int differs(u64 flags) { struct open_args open = {.flags = flags}; return must_emit_differing(&filter, &call, &open); }
int must_emit(u64 flags) { struct open_args open = {.flags = flags}; return must_emit_path(&filter, &call, &open); }
void parse(void) { take_open_args(&filter, &call); }
u64 bits(void) { return process_bits(&call, &filter); }
int discard(void) { return count_filtered(&call); }
void look_up_socket(s32 fd, int is_socket, int protocol) { lookup_sock(&filter.sock, &call, fd, is_socket, protocol); }
void inherit(u32 parent, u32 child) { inherit_verdicts(parent, child); }
void renew(u32 pid, char *comm) { renew_verdicts(pid, comm); }
u64 caller(u64 of, u32 type) { return caller_of(&flow, &scratches[SLOT_CALL], of, type); }
u64 key(u64 number, u32 of, u64 bytes) {
  struct caller_class one = {number, of};
  return key_of(&flow, &scratches[SLOT_CALL], &one, bytes);
}
int begin_open(u64 fixed) { return begin_syscall_record(&call, fixed) != 0; }
int end(u32 fd, int is_opened) { return end_open(&call, &scratches[SLOT_CALL], is_opened ? &files[fd] : 0); }
void reserve_record(void) { reserve(&scratches[SLOT_CALL]); }
int submit(void) { return submit_record(&scratches[SLOT_CALL]); }
int wants_paths(void) { return wants_realpath(); }
u32 share(void) { return scratches[SLOT_CALL].share; }
void classify(u64 hash, u64 number, u32 of) {
  struct caller_class one = {number, of};
  bpf_map_update_elem(MAP(CALLER_CLASSES), &hash, &one, 0);
}
void judge(u64 hash, u32 of) { bpf_map_update_elem(MAP(JUDGED_CALLS), &hash, &of, 0); }
u64 version(u32 pid) { u64 *one = LOOKUP(TASK_VERSIONS, &pid); return one ? *one : 0; }
void set_version(u32 pid, u64 to) { bpf_map_update_elem(MAP(TASK_VERSIONS), &pid, &to, 0); }
void set_change(u32 type, u32 kind) { changes[type] = kind; }
void change(u32 pid, u32 type) { change_named(pid, type); }
u64 times_recognised(void) { return recognised; }
u64 written(u64 *flags) { *flags = output_flags; return output_length; }
char *outputs(void) { return output; }
void set_ring(int refuses, u64 bytes) { refuses_output = refuses; filled = bytes; }
struct opened_at *place(u32 fd) { return place_of((u64)&files[fd]); }
void forget_path(u32 fd) { delete_opened_path((u64)&files[fd]); }
u32 append_kept(u32 fd, u32 dentry, u16 *raw) {
  return append_opened_path(&scratches[SLOT_CALL], &files[fd], &dentries[dentry], raw);
}
