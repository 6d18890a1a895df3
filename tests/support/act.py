"""Acts of tests.support.acts as a program, each in its own child: `python -m tests.support.act FILE`."""

import os
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Act = tuple[Any, ...]
"""A function of a module, and its arguments."""


def command(acts: Iterable[Act], file: Path) -> list[str]:
    """Write the acts to `file` and return the command line that runs them."""
    file.write_bytes(pickle.dumps(list(acts)))
    return [sys.executable, "-m", "tests.support.act", str(file)]


def main() -> None:
    """Run the acts in turn, each in a child; their results are discarded."""
    for function, *arguments in pickle.loads(Path(sys.argv[1]).read_bytes()):
        pid = os.fork()
        if pid == 0:
            try:
                function(*arguments)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
