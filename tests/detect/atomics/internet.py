"""A stand-in for the internet: every name has the same address, every web page is the same harmless script."""

import http.server
import socket
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Final

_ADDRESS: Final = "203.0.113.1"
_PAGE: Final = b"#!/bin/sh\necho stand-in\n"


class _Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self) -> None:
        """Answer a request of any kind."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_PAGE)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815  # names that http.server calls

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def _names(server: socket.socket) -> None:
    """Answer every question for an IPv4 address (RFC 1035) with the same address, and any other without a record."""
    while True:
        asked, who = server.recvfrom(4096)
        end = asked.index(b"\0", 12) + 5
        wanted = asked[end - 4 : end - 2] == b"\0\1"
        head = asked[:2] + b"\x81\x80\0\1" + (b"\0\1" if wanted else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(_ADDRESS) if wanted else b""
        server.sendto(head + asked[12:end] + record, who)


def main() -> None:
    """Serve names, and pages with and without TLS, until the process is ended; print a line once all of them are."""
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((_ADDRESS, 53))
    plain, safe = (http.server.ThreadingHTTPServer(("0.0.0.0", port), _Handler) for port in (80, 443))
    with tempfile.TemporaryDirectory() as name:
        key, certificate = Path(name, "key"), Path(name, "certificate")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=stand-in", "-keyout", key, "-out", certificate],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    safe.socket = context.wrap_socket(safe.socket, server_side=True)
    threading.Thread(target=_names, args=(names,), daemon=True).start()
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    print("serves", flush=True)
    safe.serve_forever()


if __name__ == "__main__":
    main()
