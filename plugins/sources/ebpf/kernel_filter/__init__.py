"""Kernel filter (predicate pushdown): what no rule can match is discarded in the kernel, before a record is made.

The filter of a call runs before its program. It is made from the necessary predicate of the demand: comparisons that
it can test become checks, every other comparison counts as true; the formula of checks becomes eBPF instructions,
without a compiler. Whether an openat is discarded in the kernel is decided by `choose` (choice.py: it has a filter),
`filter_function_of` (filter_function.py: what it tests), `of_open` (opens.py: the checks of path and flags) and
`open_program` (filter_program.py: the instructions).

    choice              which calls have a filter
    filter_function     what the filter of a call tests
    opens               flags and path of open, openat, openat2, creat
    names               a path
    results             what a call returned
    sockets             what a descriptor is
    flags               flag arguments of calls
    process_predicates  the part that asks only about the process
    check               the checks: what a program can test
    filter_program      the program: what it reads, in which order, how it ends
    decision            a formula becomes jumps
    check_code          a check becomes instructions
    passing             what holds of events that pass, for people to read
"""

from mozu.plugins.sources.ebpf.kernel_filter.choice import Chosen, choose, discardable_opens, without_refused
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction

__all__ = ["Chosen", "FilterFunction", "choose", "discardable_opens", "without_refused"]
