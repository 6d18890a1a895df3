"""An HTTP server of this machine that prints the requests posted to it: `python3 -m tests.vm.receiver PORT`."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Print the request, then acknowledge it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sys.stdout.buffer.write(body.rstrip() + b"\n")
        sys.stdout.flush()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
