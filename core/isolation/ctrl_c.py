"""Ctrl-C as Python raises it: the only KeyboardInterrupt that is not a failure of the component that raises it."""

import functools
import signal
import threading


def is_by_signal() -> bool:
    """Return True if Ctrl-C raises KeyboardInterrupt here: by Python's own handler, or by that of `asyncio.Runner` (a
    partial). Once the engine handles SIGINT, no signal does."""
    handler = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and (handler is signal.default_int_handler or isinstance(handler, functools.partial))
