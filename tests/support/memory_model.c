/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of bpf/ that read a task, its open files and its place, compiled for user space with randomly laid out structs
   (kernel_memory.py). In kernels, a load through a null pointer faults and yields 0; here such a pointer points to
   zeroes. */
/* kfuncs on tasks, which are listed in the order in which they began. */
#define KFUNC_bpf_rcu_read_lock lock_rcu
#define KFUNC_bpf_rcu_read_unlock unlock_rcu
#define KFUNC_bpf_iter_task_new begin_walk
#define KFUNC_bpf_iter_task_next next_task
#define KFUNC_bpf_iter_task_destroy end_walk
#define KFUNC_bpf_task_acquire acquire_task
#define KFUNC_bpf_task_release release_task
#define KFUNC_bpf_send_signal_task signal_task
#include "kernel_model.h"

static struct task_struct *every[16];
static u32 number_of_tasks, walked, locks, walks, references, mistakes;
static struct task_struct *gone; /* ends before a reference to it can be taken */
static struct { u64 task; u32 signal, kind; } signals[16];
static u32 number_of_signals, refuses_signals, sent;
static void note(bool is_right) { mistakes += !is_right; }
static void lock_rcu(void) { locks++; }
static void unlock_rcu(void) { locks--; }
struct task_walk;
static int begin_walk(struct task_walk *walk, void *of, u32 flags) {
  note(locks == 1 && !walks++ && !of && flags == 1);
  walked = 0;
  return 0;
}
static struct task_struct *next_task(struct task_walk *walk) {
  note(walks == 1);
  return walked < number_of_tasks ? every[walked++] : 0;
}
static void end_walk(struct task_walk *walk) { note(locks == 1 && walks-- == 1); }
static struct task_struct *acquire_task(struct task_struct *task) {
  if (task == gone) return 0;
  references++;
  return task;
}
static void release_task(struct task_struct *task) { references--; }
static int signal_task(struct task_struct *task, int signal, u32 kind, u64 value) {
  note(references == 1 && !value);
  signals[number_of_signals].task = (u64)task;
  signals[number_of_signals].signal = signal;
  signals[number_of_signals++].kind = kind;
  return 0;
}
static long bpf_send_signal(u32 signal) {
  if (refuses_signals) return -1;
  sent = signal;
  return 0;
}
static long bpf_get_current_comm(void *to, u32 size) {
  note(size == 16);
  __builtin_memcpy(to, (void *)current->comm, size);
  return 0;
}
static char denial[512];
static u32 denials;
enum { DENIALS = MAPS + 1 };
static long bpf_map_push_elem(void *map, const void *from, u64 flags);
#include "kernel_deny.h"
#include "descriptor.h"
#include "task.h"
static long bpf_map_push_elem(void *map, const void *from, u64 flags) {
  note(map == MAP(DENIALS) && !flags);
  __builtin_memcpy(denial, from, sizeof(struct denial));
  denials++;
  return 0;
}

static char kernel_memory[1 << 22] __attribute__((aligned(64)));
char *kernel_place(void) { return kernel_memory; }
char *users(void) { return user_memory; }
char *pushed(void) { return denials ? denial : 0; }
u32 pushes(void) { return denials; }
void *signals_sent(u32 *number) { *number = number_of_signals; return signals; }
u32 signal_sent(void) { return sent; }
u64 used(struct scratch *s) { return s->used; }
u32 marks_of_record(struct scratch *s) { return s->marks; }
u32 share(struct scratch *s) { return s->share; }
char *record(struct scratch *s) { return s->record; }
void use_record(struct scratch *s, u64 bytes) { s->used = bytes; s->marks = 0; }
void *filter_of(struct deny_slot *slot) { return &slot->filter; }
u32 hook_of(struct deny_slot *slot) { return slot->denial.hook; }
u32 went_to(void) { return went_on; }
/* Count of calls of kfuncs that a verifier would refuse, and of references that were not released. */
u32 mistakes_made(void) { return mistakes + locks + walks + references; }
void set_now(u64 time) { now = time - 1; }
void set_refusal(u32 refuses) { refuses_signals = refuses; }
void set_gone(struct task_struct *task) { gone = task; }
void set_current(struct task_struct *task) { current = task; }
void add_task(struct task_struct *task) { every[number_of_tasks++] = task; }
void set_map(u32 map, u32 key_size, u32 value_size, u32 places, int is_array, char *values) {
  maps[map] = (struct map){key_size, value_size, places, is_array, 0, {}, values};
}
void shorten_map(u32 map, u32 places) { maps[map].places = places; }
void put(u32 map, void *key, void *value) { bpf_map_update_elem((void *)(u64)(map + 1), key, value, 0); }
void *get(u32 map, void *key) { return bpf_map_lookup_elem((void *)(u64)(map + 1), key); }
/* `used`: bytes of the kernel's memory that are not 0. */
void begin(u64 used) {
  __builtin_memset(kernel_memory, 0, used); __builtin_memset(user_memory, 0, sizeof(user_memory));
  __builtin_memset(maps, 0, sizeof(maps)); __builtin_memset(denial, 0, sizeof(denial));
  number_of_tasks = number_of_signals = locks = walks = references = mistakes = denials = refuses_signals = sent = went_on = 0;
  gone = 0;
}

/* --- what is tested */

u64 container(u64 cgroup) { return container_of_current(cgroup); }
u32 number_at(struct pid *pid, u32 level) { return pid_nr_at(pid, level); }
void process_of_task(struct scratch *s, struct process *e, struct task_struct *task) { fill_process(s, e, task); }
u32 command_line(struct scratch *s, struct process *e, struct mm_struct *mm) { return append_cmdline(s, e, mm); }
u32 environment(struct scratch *s, struct mm_struct *mm) { return append_environment(s, mm); }
u32 cgroups(struct scratch *s, struct css_set *groups) { return append_cgroups(s, groups); }
u64 file_of(struct task_struct *task, s32 fd) { return (u64)fd_file(task, fd); }
void attributes(struct scratch *s, struct file_attrs *to, struct path *path) { fill_file_attrs(s, to, path); }
void no_attributes(struct file_attrs *to) { clear_file_attrs(to); }
void base(struct task_struct *task, s32 dirfd, struct path *to) { dirfd_path(task, dirfd, to); }
void ends(struct scratch *s, struct endpoints *to, struct file *file) { fill_endpoints(s, to, file); }
void no_ends(struct endpoints *to) { clear_endpoints(to); }
void describe(struct scratch *s, struct descriptor *e, const struct syscall_ctx *sys, struct task_struct *task, s32 fd) {
  fill_descriptor(s, e, sys, task, fd);
}
void describe_path(struct scratch *s, struct descriptor *e, const struct syscall_ctx *sys, struct task_struct *task) {
  append_file_path(s, e, sys, task);
}
u32 address(struct scratch *s, const struct syscall_ctx *sys, u64 from, u32 length) {
  return append_address(s, sys, from, length);
}
void blocks(struct scratch *s, const struct syscall_ctx *sys, struct descriptor *e, struct arg_layout *layout) {
  append_blocks(s, sys, e, layout);
}
u32 payload(struct scratch *s, const struct syscall_ctx *sys, u64 from, u64 length) {
  return append_data(s, sys, from, length);
}
u64 word(const struct syscall_ctx *sys, u64 from, u32 index) { return arg_word(sys, from, index); }
u32 text(struct scratch *s, const struct syscall_ctx *sys, u64 from) { return append_arg_str(s, sys, from); }
u32 block(struct scratch *s, const struct syscall_ctx *sys, u64 *args, s32 argument, s32 size) {
  return append_block(s, sys, args, argument, size);
}
void no_texts(struct call *e) { clear_strs(e); }
int records(u32 slot, u32 then) { return end_records(0, slot, then); }
int goes_on(struct syscall_ctx *sys, u32 next) { return go_on(0, sys, next); }
u64 peer(struct kill_facts *facts, const struct syscall_ctx *sys, s32 fd, int wants_peer) {
  return find_socket(facts, sys, fd, wants_peer);
}
void executable(struct filter_scratch *g) { find_executable(g); }
int spares(const struct task_struct *task, const struct settings *settings) { return is_never_killed(task, settings); }
u64 kill_by(struct syscall_ctx *sys, u32 rule) { return kill_caller(sys, rule); }
void end_others(u64 files, u32 holder, u32 own) { kill_others(files, holder, own); }
u64 opening(struct deny_slot *slot, struct file *file) { return find_opened(slot, file); }
u64 starting(struct deny_slot *slot, struct linux_binprm *started) { return find_started(slot, started); }
u64 connecting(struct deny_slot *slot, struct socket *socket, const void *given, u32 length) {
  return find_destination(slot, socket, given, length);
}
u64 sending(struct deny_slot *slot, struct socket *socket, struct msghdr *message) {
  return find_message(slot, socket, message);
}
u64 deny(struct deny_slot *slot) { return deny_caller(slot); }
