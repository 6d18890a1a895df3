"""Compile the small C programs that tests and benchmarks run."""

import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.support.requirements import program

HERE = Path(__file__).parent


@cache
def compiled(source: str, *flags: str) -> Path:
    """Compile tests/support/SOURCE.c and return the program, which is built once a run."""
    target = Path(mkdtemp(prefix="mozu-test-")) / source
    subprocess.run([program("gcc"), "-O2", *flags, "-o", target, HERE / f"{source}.c"], check=True)
    return target
