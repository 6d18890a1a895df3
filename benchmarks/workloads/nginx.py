"""nginx under wrk: 32 connections ask for one small file for three seconds, each waiting for its answer."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.workloads.server import ask, serving
from benchmarks.workloads.workload import Run, Workload, program
from tests.support.ports import free_port

_CONFIGURATION: Final = """
daemon off;
pid nginx.pid;
error_log stderr;
worker_processes 1;
events { worker_connections 256; }
http {
  sendfile on;
  access_log /dev/null;
  client_body_temp_path body;
  fastcgi_temp_path fastcgi;
  proxy_temp_path proxy;
  scgi_temp_path scgi;
  uwsgi_temp_path uwsgi;
  server { listen 127.0.0.1:PORT; root FOLDER; }
}
"""
"""Every request opens the file and writes a line of the access log, which goes nowhere so that no disk fills up."""
_MILLISECONDS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}
_P99: Final = re.compile(r"^ +99% +([0-9]+\.[0-9]+)(us|ms|s|m)$", re.MULTILINE)
_RATE: Final = re.compile(r"^Requests/sec: +([0-9]+\.[0-9]+)$", re.MULTILINE)
_FAILED: Final = re.compile(r"^ +(?:Non-2xx or 3xx responses|Socket errors): .*$", re.MULTILINE)


def read(output: str) -> Run:
    """Return the result in the output of `wrk --latency`. Raises ValueError if there is none, or if a request
    failed."""
    if failed := _FAILED.search(output):
        raise ValueError(f"wrk: every request was expected to succeed, found {failed[0].strip()!r}")
    rate, p99 = _RATE.findall(output), _P99.findall(output)
    if len(rate) != 1 or len(p99) != 1:
        raise ValueError(f"wrk: one line of requests a second and one of 99 % were expected, found {output!r}")
    ((value, unit),) = p99
    run = Run(float(rate[0]), float(value) * _MILLISECONDS[unit])
    if not (run.rate > 0 and run.p99):
        raise ValueError(f"wrk: numbers above zero were expected, found {output!r}")
    return run


@contextmanager
def _prepared() -> Iterator[Callable[[], Run]]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)  # nginx's worker is another user where this one is root
        (folder / "page.html").write_text("x" * 600)
        (folder / "nginx.conf").write_text(_CONFIGURATION.replace("PORT", str(port)).replace("FOLDER", name))
        server = [program("nginx"), "-p", f"{name}/", "-c", "nginx.conf"]
        # An answer that comes after the timeout would be an error, and no part of the latencies.
        client = [program("wrk"), "-t1", "-c32", "-d3s", "--timeout", "30s", "--latency"]
        with serving(server, port, folder):
            yield lambda: read(ask([*client, f"http://127.0.0.1:{port}/page.html"]))


NGINX: Final = Workload("nginx, 32 connections", "request", {"nginx": "nginx-light", "wrk": "wrk"}, _prepared)
