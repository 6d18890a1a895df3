"""The command `mozu`.

Exit codes: 0 all is well · 1 the configuration, the rules or this machine do not allow it · 2 wrong usage ·
70 a fault of mozu itself · 130 interrupted.
"""

from mozu.core.cli.main import invoke, main

__all__ = ["invoke", "main"]
