"""A real Apicurio Registry on loopback, from its Maven package (109 MB), fetched once and kept in the user's cache."""

import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from tests.support.ports import free_port
from tests.support.requirements import program, require

_VERSION: Final = "3.0.9"
_ARTIFACT: Final = f"io.apicurio:apicurio-registry-app:{_VERSION}:tar.gz:all"
_CACHES: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mozu-tests"
_CACHE: Final = _CACHES / f"apicurio-{_VERSION}"
_FLAGS: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a registry that keeps its schemas in memory until the block ends; yield the root of its Confluent-like
    API."""
    port, log = free_port(), folder / "apicurio.log"
    jar = _distribution() / f"apicurio-registry-app-{_VERSION}-runner.jar"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program("java"), *_FLAGS, "-jar", str(jar)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={"PATH": os.environ["PATH"], "QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(port)},
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        _await(url, process, log)
        yield url
    finally:
        process.kill()
        process.wait()


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, f"Apicurio ended: {log.read_text()[-2000:]}"
        assert time.monotonic() < deadline, f"Apicurio does not answer: {log.read_text()[-2000:]}"
        try:
            with urlopen(f"{url}/subjects", timeout=5):
                return
        except OSError:
            time.sleep(0.1)  # a starting server can only be detected by its answer


@cache
def _distribution() -> Path:
    """Return the folder of the unpacked package. Skip if Java, Maven or the package is unavailable."""
    if not _CACHE.exists():
        maven = program("mvn")
        _CACHE.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=_CACHE.parent))
        done = subprocess.run(
            [maven, "-q", "-B", "dependency:copy", f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={fresh}"],
            cwd=fresh, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        require(done.returncode == 0, f"Maven cannot fetch Apicurio's package: {done.stdout[-300:]}")
        packed = fresh / f"apicurio-registry-app-{_VERSION}-all.tar.gz"
        with tarfile.open(packed) as archive:
            archive.extractall(fresh, filter="data")
        packed.unlink()
        try:
            fresh.rename(_CACHE)
        except OSError:  # another test run was faster
            shutil.rmtree(fresh)
    return _CACHE
