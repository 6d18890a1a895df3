"""A real rsyslogd for a test: ports, sockets, queues and pid file below one directory."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.requirements import program, require

PATIENCE = 30.0

_CONFIGURATION = """
global(workDirectory="{work}" net.enableDNS="off" net.ipprotocol="ipv4-only" maxMessageSize="{size}"{tls})
module(load="imudp")
module(load="imuxsock" sysSock.use="off")
module(load="mmpstrucdata")
module(load="imtcp"{driver})
input(type="imtcp" address="127.0.0.1" port="{tcp}")
input(type="imudp" address="127.0.0.1" port="{udp}" rcvbufSize="4m")
input(type="imuxsock" socket="{socket}" createPath="on" useSysTimeStamp="off" rateLimit.interval="0")
template(name="line" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="data" name="$!" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
  property(outname="raw" name="rawmsg" format="jsonf")
  property(outname="input" name="inputname" format="jsonf")
}}
action(type="mmpstrucdata")
action(type="omfile" file="{out}" template="line")
"""
_DRIVER = (
    ' StreamDriver.Name="{name}" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["{peer}"]'
)
_FILES = (
    ' DefaultNetstreamDriver="{name}" DefaultNetstreamDriverCAFile="{ca}" '
    'DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}"'
)


class Certificates:
    """A small authority, certificates of a server and a client, and a client's certificate of an unknown authority."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._openssl = folder, program("openssl")
        self.ca, self.ca_key = self._own("ca")
        self.server, self.server_key = self._signed("server", "subjectAltName=DNS:syslog.example,IP:127.0.0.1")
        self.client, self.client_key = self._signed("client", "subjectAltName=DNS:mozu.example")
        self.stranger, self.stranger_key = self._own("stranger")

    def _own(self, name: str) -> tuple[Path, Path]:
        pem, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        self._run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", str(pem),
            "-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-keyout", str(key),
        )  # fmt: skip
        return pem, key

    def _signed(self, name: str, extension: str) -> tuple[Path, Path]:
        pem, key, request = (self._folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        more = self._folder / f"{name}.ext"
        more.write_text(f"{extension}\n")
        self._run(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request)
        )
        self._run(
            "x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self.ca_key), "-CAcreateserial",
            "-days", "2", "-extfile", str(more), "-out", str(pem),
        )  # fmt: skip
        return pem, key

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True)


class Rsyslog:
    """A daemon that can be killed and started again; `received` returns what it has written, in order."""

    def __init__(self, folder: Path, *, tls: Certificates | None = None, size: str = "64k") -> None:
        self._program = program("rsyslogd")
        self._folder = folder
        self.tcp, self.udp = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        self.socket, self._out = folder / "log.sock", folder / "received.jsonl"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "work").mkdir()
        text = _CONFIGURATION.format(
            work=folder / "work", size=size, tcp=self.tcp, udp=self.udp, socket=self.socket, out=self._out, **_tls(tls)
        )
        (folder / "rsyslog.conf").write_text(text)

    def start(self) -> None:
        """Start the daemon; return when it listens."""
        log = (self._folder / "rsyslogd.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._program, "-n", "-f", str(self._folder / "rsyslog.conf"), "-i", str(self._folder / "pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait(self._listens, "rsyslogd listens")

    def kill(self) -> None:
        """Kill the daemon at once, with whatever it has not read yet; remove an unfinished line from its file."""
        self._end(signal.SIGKILL)
        (self._folder / "pid").unlink(missing_ok=True)
        if self._out.exists():
            raw = self._out.read_bytes()
            self._out.write_bytes(raw[: raw.rfind(b"\n") + 1])

    def stop(self) -> None:
        """Stop the daemon in good order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError((self._folder / "rsyslogd.log").read_text())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.tcp), 1):
            return self.socket.exists()
        return False

    def received(self) -> list[dict[str, Any]]:
        """Return everything that was written in whole lines."""
        raw = self._out.read_bytes() if self._out.exists() else b""
        return [json.loads(line) for line in raw.split(b"\n")[:-1]]

    def wait_received(self, count: int) -> list[dict[str, Any]]:
        """Wait for at least `count` messages, and return all."""
        self.wait(lambda: self.count() >= count, f"{count} messages, not {self.count()}")
        return self.received()

    def count(self) -> int:
        """Return the count of whole lines written."""
        return self._out.read_bytes().count(b"\n") if self._out.exists() else 0

    def wait(self, test: Callable[[], bool], what: str) -> None:
        """Wait until the test passes."""
        deadline = time.monotonic() + PATIENCE
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen: {what}\n{(self._folder / 'rsyslogd.log').read_text()}")
            time.sleep(0.02)


@contextmanager
def rsyslog(folder: Path, *, tls: Certificates | None = None) -> Iterator[Rsyslog]:
    """Yield a daemon that runs until the block ends."""
    require(_plugins(), "rsyslog's modules are not installed")
    daemon = Rsyslog(folder, tls=tls)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.kill()


def _plugins() -> bool:
    return any(Path("/usr/lib").glob("*/rsyslog/mmpstrucdata.so"))


def _tls(certificates: Certificates | None) -> dict[str, str]:
    if certificates is None:
        return {"tls": "", "driver": ""}
    name = next((name for name in ("ossl", "gtls") if any(Path("/usr/lib").glob(f"*/rsyslog/lmnsd_{name}.so"))), "")
    require(bool(name), "rsyslog's TLS module is not installed (rsyslog-openssl or rsyslog-gnutls)")
    files = _FILES.format(
        name=name, ca=certificates.ca, certificate=certificates.server, key=certificates.server_key
    )
    return {"tls": files, "driver": _DRIVER.format(name=name, peer="mozu.example")}
