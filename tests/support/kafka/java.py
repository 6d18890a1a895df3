"""Apache Kafka's own programs, from its Maven packages: fetched once, kept in the user's cache."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from tests.support.requirements import program, require

_POM: Final = Path(__file__).with_name("pom.xml")
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mozu-tests" / "kafka-4.1.0"
_FLAGS: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Dlog4j2.level=WARN")


@cache
def jars() -> Path:
    """Return the folder with Kafka's jars; skip the test if Java, Maven or the packages cannot be had."""
    program("java")
    if not _CACHE.exists():
        maven = program("mvn")
        _CACHE.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=_CACHE.parent))
        done = subprocess.run(
            [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={fresh}",
             "-DincludeScope=runtime"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        require(done.returncode == 0, f"Maven cannot fetch Kafka's packages: {done.stdout[-300:]}")
        try:
            fresh.rename(_CACHE)
        except OSError:  # another test run was faster
            shutil.rmtree(fresh)
    return _CACHE


def java(main: str, *arguments: str, heap: str = "128m") -> list[str]:
    """Return the command line of one of Kafka's programs."""
    return [program("java"), *_FLAGS, f"-Xmx{heap}", "-cp", f"{jars()}/*", main, *arguments]


def run(main: str, *arguments: str) -> str:
    """Run one of Kafka's programs to its end; return its output."""
    done = subprocess.run(
        java(main, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{main}: {done.stdout}{done.stderr}"
    return done.stdout
