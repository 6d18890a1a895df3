"""Kernel filter (predicate pushdown): events that no rule can match are discarded in the kernel, before a record is
made.

The filter of a call runs before its program. It is made from the necessary predicate of the demand: comparisons that it
can test become checks, every other comparison counts as true; the formula of checks becomes eBPF instructions, without
a compiler. Four functions decide if an openat is discarded in the kernel: `choose` (choice.py: it has a filter),
`filter_function_of` (filter_function.py: its tests), `of_open` (opens.py: the checks of path and flags) and
`open_program` (filter_program.py: the instructions).

    choice              the calls that have a filter
    filter_function     the tests of a call's filter
    opens               flags and path of open, openat, openat2, creat
    names               a path
    results             the result of a call
    sockets             the kind of a descriptor
    flags               flag arguments of calls
    process_predicates  the part about the process alone
    check               the checks: tests that a program can make
    filter_program      the program: what it reads, in which order, and its ends
    decision            from a formula to jumps
    check_code          from a check to instructions
    passing             facts about events that pass, for users
"""

from mozu.plugins.sources.ebpf.kernel_filter.choice import Chosen, choose, discardable_opens, without_refused
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction

__all__ = ["Chosen", "FilterFunction", "choose", "discardable_opens", "without_refused"]
