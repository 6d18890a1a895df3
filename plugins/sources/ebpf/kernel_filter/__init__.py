"""Kernel filter (predicate pushdown): what no rule can match is discarded in the kernel, before a record is made.

The filter of a call runs before its program. It is made from the necessary predicate of the demand: comparisons that it
can test become C, every other comparison counts as true. Whether an openat is discarded in the kernel is decided by
`choose` (choice.py: it has a filter), `filter_function_of` (filter_function.py: the C function), and `of_open`
(opens.py: the tests of path and flags).

    choice              which calls have a filter
    filter_function     the C function
    check               tests in C
    opens               flags and path of open, openat, openat2, creat
    names               tests of a path
    results             what a call returned
    sockets             what a descriptor is
    flags               flag arguments of calls
    process_predicates  the part that asks only about the process
"""

from mozu.plugins.sources.ebpf.kernel_filter.choice import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction

__all__ = ["Chosen", "FilterFunction", "choose"]
