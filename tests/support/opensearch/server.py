"""A real OpenSearch of one node on loopback, from its Maven packages, fetched once and kept in the user's cache.

The distribution there lacks the module for scripts (painless), which is put together from its jars.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.support.ports import free_port
from tests.support.requirements import program, require, root

_VERSION: Final = "2.19.6"
_POM: Final = Path(__file__).with_name("pom.xml")
_CACHES: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mozu-tests"
_CACHE: Final = _CACHES / f"opensearch-{_VERSION}"
_USER: Final = 65534
"""A user other than root, as whom OpenSearch refuses to run."""
_JARS: Final = ("lang-painless-", "opensearch-scripting-painless-spi-", "antlr4-runtime-", "asm-")
"""Prefixes of the names of painless's jars."""
_DESCRIPTOR: Final = f"""\
description=scripts
name=lang-painless
classname=org.opensearch.painless.PainlessPlugin
version={_VERSION}
opensearch.version={_VERSION}
java.version=11
has.native.controller=false
"""
_POLICY: Final = """\
grant {
  permission java.lang.RuntimePermission "createClassLoader";
  permission java.lang.RuntimePermission "getClassLoader";
  permission org.opensearch.script.ClassPermission "<<STANDARD>>";
};
"""
_SETTINGS: Final = """\
cluster.name: mozu-tests
node.name: one
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
"""


class OpenSearch:
    """A running node."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the parsed answer. A list is sent as lines of JSON (the bulk API), anything else as one document."""
        lines = body if isinstance(body, list) else [] if body is None else [body]
        data = "".join(json.dumps(line) + "\n" for line in lines).encode() or None
        kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
        request = Request(f"{self.url}{path}", data, {"Content-Type": kind}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.code} {refused.read()[:500]!r}") from refused

    def documents(self, index: str) -> list[dict[str, Any]]:
        """Return the documents of an index (10,000 at most), after a refresh."""
        self.call("POST", f"/{index}/_refresh")
        found = self.call("POST", f"/{index}/_search", {"size": 10_000, "query": {"match_all": {}}})
        return [hit["_source"] for hit in found["hits"]["hits"]]


@contextmanager
def running(folder: Path) -> Iterator[OpenSearch]:
    """Run a node whose files lie below `folder`, until the block ends."""
    root("running a server as another user")
    with tempfile.TemporaryDirectory(prefix="opensearch-") as place:  # other users may not read pytest's folders
        yield from _running(Path(place), folder / "opensearch.log")


def _running(place: Path, log: Path) -> Iterator[OpenSearch]:
    home, http = place / "home", free_port()
    shutil.copytree(_distribution(), home)
    (home / "config/opensearch.yml").write_text(_SETTINGS.format(http=http, transport=free_port()))
    for name in ("data", "logs", "tmp"):
        (home / name).mkdir(exist_ok=True)
    for path in (place, *place.rglob("*")):
        os.chown(path, _USER, _USER)
    java = Path(program("javac")).resolve().parents[1]
    memory = "-Xms400m -Xmx400m -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [home / "bin/opensearch"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, user=_USER, group=_USER,
            extra_groups=[], start_new_session=True,
            env={"PATH": os.environ["PATH"], "JAVA_HOME": str(java), "OPENSEARCH_TMPDIR": str(home / "tmp"),
                 "OPENSEARCH_JAVA_OPTS": memory},
        )  # fmt: skip
    try:
        server = OpenSearch(f"http://127.0.0.1:{http}")
        _await(server, process, log)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(server: OpenSearch, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, f"OpenSearch ended: {log.read_text()[-2000:]}"
        assert time.monotonic() < deadline, f"OpenSearch does not answer: {log.read_text()[-2000:]}"
        try:
            with urlopen(server.url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)  # a starting server can only be detected by its answer


@cache
def _distribution() -> Path:
    """Return the folder of a distribution with its modules. Skip if Java, Maven or the packages are unavailable."""
    if not _CACHE.exists():
        maven = program("mvn")
        _CACHE.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=_CACHE.parent))
        jars = fresh / "jars"
        done = subprocess.run(
            [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        require(done.returncode == 0, f"Maven cannot fetch OpenSearch's packages: {done.stdout[-300:]}")
        _assemble(fresh, jars)
        try:
            (fresh / f"opensearch-{_VERSION}").rename(_CACHE)
        except OSError:
            require(_CACHE.exists(), "another test run was to put OpenSearch there")
        shutil.rmtree(fresh)
    return _CACHE


def _assemble(folder: Path, jars: Path) -> None:
    with zipfile.ZipFile(jars / f"opensearch-{_VERSION}.zip") as archive:
        archive.extractall(folder)
    home = folder / f"opensearch-{_VERSION}"
    for program_file in (home / "bin").iterdir():
        program_file.chmod(0o755)
    module = home / "modules/lang-painless"
    module.mkdir()
    for jar in jars.glob("*.jar"):
        if jar.name.startswith(_JARS):
            shutil.copy(jar, module)
    (module / "plugin-descriptor.properties").write_text(_DESCRIPTOR)
    (module / "plugin-security.policy").write_text(_POLICY)
