"""The command `mozu`.

Exit codes: 0 success · 1 the configuration, the rules or this machine do not allow it · 2 wrong usage ·
70 a fault of mozu itself · 130 interrupted.
"""

import sys

from mozu.core.cli.process_settings import settle
from mozu.core.cli.standard_descriptors import open_missing
from mozu.core.runtime.early_signals import early_signals

open_missing()  # before anything is imported that opens descriptors
settle()
early_signals.hold(sys.argv[1:])

try:
    from mozu.core.cli.main import invoke, main  # all of the above comes before any other import
except KeyboardInterrupt:  # nothing has begun that would have to be stopped
    sys.exit(early_signals.exit_code)

__all__ = ["invoke", "main"]
