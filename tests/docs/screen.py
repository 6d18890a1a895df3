"""The picture of a terminal in README: `python -m tests.docs.screen` writes it again.

mozu replays a recorded installation script under a pseudo-terminal, and what it writes there becomes an SVG.
"""

import fcntl
import inspect
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from typing import Final

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.support.requirements import ROOT

PICTURE: Final = ROOT / "docs/images/screen.svg"
RECORDING: Final = ROOT / "tests/data/acts/perch.jsonl.gz"
COLUMNS: Final = 100
_LINES: Final = 40
_FONT: Final = re.compile(r"@font-face \{\{.*?\n    \}\}", re.DOTALL)


def screen() -> str:
    """Return what `mozu replay` writes to a terminal, with escape sequences and without the lines about its end.

    The last alerts may be written before or after the line that says why mozu stops.
    """
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "mozu", "replay", str(RECORDING)],
        stdin=subprocess.DEVNULL,
        stdout=secondary,
        stderr=secondary,
        env={**environment, "TERM": "xterm-256color", "TZ": "UTC"},
    ):
        os.close(secondary)
        written = bytearray()
        with suppress(OSError):  # EIO: the last writer has closed the terminal
            while part := os.read(primary, 65536):
                written += part
    os.close(primary)
    lines = written.decode().replace("\r\n", "\n").partition("mozu ran ")[0].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("mozu: stopping"))


def picture(text: str) -> str:
    """Return the SVG of a screen. It loads no font, or anything else, from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ mozu replay install.jsonl.gz"), Text.from_ansi(text), sep="\n")
    template = inspect.signature(Console.export_svg).parameters["code_format"].default
    made = console.export_svg(
        title="mozu", theme=SVG_EXPORT_THEME, code_format=_FONT.sub("", template), unique_id="screen"
    )
    return "".join(f"{line.rstrip()}\n" for line in made.splitlines())


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(screen()))
