"""The command `mozu`.

Exit codes: 0 all is well · 1 the configuration, the rules or this machine do not allow it · 2 wrong usage ·
70 a fault of mozu itself · 130 interrupted.
"""

from mozu.core.cli.process_settings import settle
from mozu.core.cli.standard_descriptors import open_missing

open_missing()  # before anything is imported that opens descriptors
settle()

from mozu.core.cli.main import invoke, main  # noqa: E402  both come before any other import

__all__ = ["invoke", "main"]
