"""Hosting of components: code runs on the event loop, on a thread of the component, or in a child process.

The core awaits the same contract in each case.
"""

from mozu.core.runtime.hosting.host import isolated, planned

__all__ = ["isolated", "planned"]
