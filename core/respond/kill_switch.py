"""The kill switch: while a file is there, no responder acts, in any process of mozu that has this state directory."""

import os
from pathlib import Path

from mozu.core.common.own_file import open_own


class KillSwitch:
    """`path` is looked at before each act."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_off(self) -> bool:
        """Whether acts are switched off. A file that cannot be looked at counts as there."""
        try:
            self.path.lstat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def off(self) -> None:
        """No act from now on. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(open_own(self.path, os.O_WRONLY | os.O_CREAT))

    def on(self) -> None:
        """Acts again. Raises OSError."""
        self.path.unlink(missing_ok=True)
