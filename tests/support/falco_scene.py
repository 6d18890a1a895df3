"""Receivers of a whole configuration, the data they received, and Falco's side of it: a recording with its rules."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.core.cli.why.looking import RULES
from tests.oracle.capture import Capture
from tests.support.falco_receivers import HttpReceiver, Imported, StreamReceiver
from tests.support.https import Certificates
from tests.support.ports import free_port

Json = dict[str, Any]
MORE: Final = """
- rule: Minor
  desc: Of the least priority.
  condition: evt.type = openat and fd.name = /minor
  output: "minor %fd.name"
  priority: DEBUG
- rule: Written
  desc: Bytes.
  condition: evt.type = write
  output: "bytes %evt.buffer"
  priority: WARNING
  tags: [tagged]
  capture: true
"""


class Scene:
    """The receivers of a run, and the data they received."""

    def __init__(self, folder: Path, certificates: Certificates, held: Mapping[str, list[float]]) -> None:
        self.folder, self.certificates = folder, certificates
        self.http, self.https = HttpReceiver(held=held), HttpReceiver(certificates)
        self.tcp, self.log = StreamReceiver(), StreamReceiver(folder / "log")
        self.mails: list[tuple[str, list[str], str, bool, str]] = []
        self.smtp = free_port()
        self.run: Imported

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        login = str(session.auth_data or "")
        text = envelope.content.decode(errors="replace")
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, text, session.ssl is not None, login))
        return "250 OK"

    def file(self, name: str) -> str:
        """Return the content of a file."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def alerts(self, text: str) -> list[Json]:
        """Return the JSON objects among the lines that are about events."""
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [one for one in found if one.get("source") != "internal"]

    def config(self, *steps: str | int) -> Any:
        """Return a value of the configuration that was written; None if it has none."""
        found: Any = self.run.config
        for step in steps:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found


Seen = Callable[[Scene], bool]


def first(scene: Scene, path: str) -> Any:
    """Return the first request at a path, or None."""
    found = scene.http.at(path) or scene.https.at(path)
    return found[0] if found else None


def got(path: str, test: Callable[[Any], bool] = lambda request: True) -> Seen:
    """Return a test of a scene: a request came to the path that passes the inner test."""
    return lambda scene: any(test(one) for one in (*scene.http.at(path), *scene.https.at(path)))


def header(path: str, name: str, value: str) -> Seen:
    return got(path, lambda request: request.headers.get(name.lower()) == value)


def only(path: str, word: str) -> Seen:
    """Return a test of a scene: requests came to the path, and each has the word."""
    def test(scene: Scene) -> bool:
        found = [one.text for one in (*scene.http.at(path), *scene.https.at(path)) if "internal" not in one.text]
        return bool(found) and all(word in one for one in found)
    return test


def signed(path: str, part: str) -> Seen:
    return got(path, lambda request: part in request.headers.get("authorization", ""))


@contextmanager
def receivers(folder: Path) -> Iterator[Scene]:
    folder.mkdir()
    scene = Scene(folder, Certificates(folder), {"/otlp": [1.0], "/cloudevents": [0.5]})

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=True, auth_data=f"{data.login.decode()} {data.password.decode()}")

    controller = Controller(
        scene, hostname="127.0.0.1", port=scene.smtp, tls_context=scene.certificates.context(), authenticator=login
    )
    controller.start()
    try:
        yield scene
    finally:
        controller.stop()
        scene.http.close()
        scene.https.close()


def user_added(made: Capture) -> Capture:
    """Add an event that changes the table of users: `replay` yields the events before it as a batch."""
    return made.event("useradded", 1, 1000, 1000, "crow", "/home/crow", "/bin/sh", "")


def needles(folder: Path) -> Json:
    """Return Falco's side: a recording of five opens and a write, with its rules."""
    made = Capture().process(5, "cat")
    for name in ("/secret/a", "/secret/keys/c", "/minor", "/secret/a"):
        made.event("openat", 5, 3, -100, name, 1, 0, 0, 1)
    made.event("write", 5, 3, b"\x00\xff", 3, 2)
    made.time += 10_000_000_000
    made.event("openat", 5, 3, -100, "/secret/late", 1, 0, 0, 1)
    (folder / "reads.scap").write_bytes(made.raw())
    (folder / "rules.yaml").write_text(RULES + MORE)
    engine = {"kind": "replay", "replay": {"capture_file": str(folder / "reads.scap")}}
    return {"engine": engine, "rules_files": [str(folder / "rules.yaml")], "log_stderr": True}
