"""The example in docs/plugins/writing.md of this package works as written."""

import re
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Record, Retry
from mozu.core.common.tls import ClientTls
from mozu.core.testing import alert, context, records
from tests.support.https import Certificates
from tests.support.requirements import ROOT

PAGE = (ROOT / "docs/plugins/writing.md").read_text()


@pytest.fixture(scope="module")
def plugin() -> dict[str, Any]:
    """Return the module of the page."""
    (text,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "mozu_gong.py" in text)
    module: dict[str, Any] = {"__name__": "mozu_gong"}
    exec(compile(text, "mozu_gong.py", "exec", dont_inherit=True), module)
    return module


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def received(listener: socket.socket, tls: ssl.SSLContext, into: list[bytes]) -> None:
    """Append all bytes that one client sends to `into`."""
    plain, _ = listener.accept()
    with tls.wrap_socket(plain, server_side=True) as connection:
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        into.append(b"".join(parts))


def gong(plugin: dict[str, Any], certificates: Certificates, port: int) -> Any:
    settings = plugin["GongSettings"](host="localhost", port=port, tls=ClientTls(ca=certificates.ca))
    return plugin["mozu_components"]().build(settings, context("gong"))


def test_the_sink_of_the_page_delivers_over_tls(plugin: dict[str, Any], certificates: Certificates) -> None:
    batch: list[Record] = records(alert("one"), alert("two"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        got: list[bytes] = []
        reader = threading.Thread(target=received, args=(listener, certificates.context(), got))
        reader.start()
        sink = gong(plugin, certificates, listener.getsockname()[1])
        assert sink.deliver(batch) is None
        reader.join(20)
    assert [b"".join(record.body + b"\n" for record in batch)] == got


def test_the_sink_of_the_page_backs_off_and_logs_a_failure_once(
    plugin: dict[str, Any], certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sink = gong(plugin, certificates, port)
    outcomes = [outcome for _ in range(5) for outcome in sink.deliver(records(alert(), alert()))]
    assert 10 == len(outcomes)
    assert all(isinstance(outcome, Retry) and not outcome.tried for outcome in outcomes)
    assert 0 < max(outcome.after for outcome in outcomes) <= 8.0
    assert 1 == len(caplog.messages)
    assert caplog.messages[0].startswith("no gong at localhost: ")


def test_every_promised_name_is_there() -> None:
    text = PAGE.split("What is promised of `mozu.core.common`")[1].split("`kafka` follows")[0]
    names = set(re.findall(r"`(?:\w+\.)?([A-Z]\w+|from_\w+)`", text)) - {"API_VERSION"}
    source = "\n".join(file.read_text() for file in (ROOT / "core/common").glob("*.py"))
    assert {"Backoff", "ClientTls", "LogDeduper", "ThreadPool", "from_object"} <= names
    assert names == {name for name in names if re.search(rf"^(?:def|class) {name}\b", source, re.MULTILINE)}
