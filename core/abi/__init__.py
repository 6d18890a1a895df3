"""The kernel's system call ABI, for every source of calls: argument layouts, raw values → parameters.

    syscall_specs, syscall_tables   the known calls, and where each parameter of their events comes from
    spec                            SyscallSpec, ArgLayout, MemoryBlock
    operands                        the notation of the tables; argument layouts derived from it
    integers                        registers → numbers, ids, flags
    memory                          bytes behind pointers → values
    texts                           calls of numbers and of up to three texts
    special                         parameters that another parameter decodes: socket options, keyctl, quotactl …
    sockets, addresses              struct sockaddr; the kernel's knowledge of a socket → File, SockTuple
    anon_inodes, signals, limits    names of anonymous inodes; senders of signals; limits of memory in an event

Pure: nothing here reads the running system. How bytes arrive (a ring buffer, ptrace) is the source's own matter. This
package imports none of its modules: the state needs addresses only, and not the specs of all calls.
"""
