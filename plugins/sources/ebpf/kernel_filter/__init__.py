"""Gates: what rules want of a call, tested in the kernel before a record is made.

A gate stands before the program of a call. It is made from the necessary predicate of the demand: facts that it can
test become C, every other fact counts as true. So a gate turns away only what no rule can match.

choice       which calls have one        gate      the function          expression   tests joined by and, or
opens        what an open was asked for  names     paths                 results      what a call gave back
sockets      what a descriptor is        flags     parameters            lasting      what is told of processes
"""

from mozu.plugins.sources.ebpf.kernel_filter.choice import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import Gate

__all__ = ["Chosen", "Gate", "choose"]
