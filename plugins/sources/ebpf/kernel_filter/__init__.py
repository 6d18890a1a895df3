"""Kernel filter (predicate pushdown): what no rule can match is discarded in the kernel, before a record is made.

The filter of a call runs before its program. It is made from the necessary predicate of the demand: comparisons that it
can test become C, every other comparison counts as true.

choice          which calls have one           filter_function  the C function     check     tests in C
opens           flags and path of an open      names            tests of a path    results     what a call returned
sockets         what a descriptor is           flags            parameters
process_predicates  what a process alone decides
"""

from mozu.plugins.sources.ebpf.kernel_filter.choice import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction

__all__ = ["Chosen", "FilterFunction", "choose"]
