"""The part of a page for a benchmark's table, between two lines that name it.

    <!-- side_by_side -->
    …
    <!-- end of side_by_side -->
"""

import os
import platform
import re
import subprocess
import time
from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Replace the text between the two lines. Raises SystemExit if the page does not have both."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, found, rest = page.read_text().partition(f"{begin}\n")
    _, also, tail = rest.partition(end)
    if not found or not also:
        raise SystemExit(f"{page} has no lines {begin!r} and {end!r}: add them where the table is to stand")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}")


def conditions() -> str:
    """Return what a table says of its run, before it begins: commit, date, processors, kernel, Python, load."""
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    model = found[1].strip() if found else platform.machine()
    date = time.strftime("%d %B %Y").lstrip("0")
    load, kernel, python = os.getloadavg()[0], platform.release(), platform.python_version()
    machine = f"{os.cpu_count()} × {model}, Linux {kernel}, Python {python}"
    return f"Commit `{_commit()}` ({date}), {machine}; a load of {load:.1f} before"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=8"]
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()
