"""The kill switch: while a file exists, no responder acts, in any process of mozu with this state directory."""

import os
from pathlib import Path

from mozu.core.common.own_file import open_own


class KillSwitch:
    """Kill switch at `path`, which is checked before each act."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_off(self) -> bool:
        """True if acts are switched off. A file that cannot be checked counts as existing."""
        try:
            self.path.lstat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def off(self) -> None:
        """Switch off all acts from now on. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_own(self.path, os.O_WRONLY | os.O_CREAT))

    def on(self) -> None:
        """Switch acts on again. Raises OSError."""
        self.path.unlink(missing_ok=True)
