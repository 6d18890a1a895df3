"""Where a component's code runs: on the event loop, on a thread of its own, or in a process of its own.

Whatever that is, the core sees the contract that is awaited, and knows no difference.
"""

from mozu.core.runtime.hosting.host import isolated, planned

__all__ = ["isolated", "planned"]
