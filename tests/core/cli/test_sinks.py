"""`mozu sinks check` and `mozu sinks test` without services."""

import json
from pathlib import Path

import pytest

from mozu.core.cli import invoke
from mozu.core.testing import ScriptedEndpoint, scripted_endpoint


def tried(folder: Path, sinks: str, *command: str) -> int:
    config = folder / "mozu.yaml"
    config.write_text(f"sinks:\n{sinks}")
    return invoke(["sinks", *command, "-c", str(config)])


def test_without_sending_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "alerts.jsonl"
    assert 0 == tried(tmp_path, f"  - file: {{path: {out}}}\n", "check")
    assert capsys.readouterr().out.startswith("file: ok: ")
    assert not out.exists() or not out.read_bytes()


def test_a_test_is_sent_whatever_the_route_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "alerts.jsonl"
    assert 0 == tried(
        tmp_path, f"  - file: {{path: {out}, format: json, route: {{priority: alert}}}}\n", "test", "file"
    )
    document = json.loads(out.read_text())
    assert f"file: ok: the test {document['uuid']} was accepted\n" == capsys.readouterr().out
    assert "this is a test of the sink file; nothing has happened" in document["output"]


def test_a_sink_that_cannot_write_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sinks = f"  - file: {{id: good, path: {tmp_path / 'good'}}}\n  - file: {{id: bad, path: /proc/nowhere/alerts}}\n"
    assert 1 == tried(tmp_path, sinks, "test", "good", "bad")
    good, bad = capsys.readouterr().out.splitlines()
    assert good.startswith("good: ok: ")
    assert bad.startswith("bad: FAILED: ")


def test_the_priority_of_the_test_can_be_chosen(tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    assert 0 == tried(tmp_path, f"  - file: {{path: {out}, format: json}}\n", "test", "file", "-l", "critical")
    found = json.loads(out.read_text())
    assert ("Critical", "Test of a sink", "internal") == (found["priority"], found["rule"], found["source"])


def test_a_test_goes_to_no_sink_that_is_not_named(tmp_path: Path) -> None:
    assert 2 == tried(tmp_path, f"  - file: {{path: {tmp_path / 'out'}}}\n", "test")
    assert not (tmp_path / "out").exists()


def test_one_sink_is_checked_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sinks = f"  - file: {{id: one, path: {tmp_path / 'one'}}}\n  - file: {{id: two, path: {tmp_path / 'two'}}}\n"
    assert 0 == tried(tmp_path, sinks, "check", "two")
    assert capsys.readouterr().out.startswith("two: ok: ")
    assert 2 == tried(tmp_path, sinks, "check", "three")


def hook(server: ScriptedEndpoint) -> str:
    return f"  - webhook: {{url: '{server.url}', allow_private: true, format: json, token: old}}\n"


@pytest.mark.parametrize("status", [401, 403, 407])
def test_credentials_that_a_webhook_refuses_fail_the_check_without_an_alert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    with scripted_endpoint(status) as server:
        assert 1 == tried(tmp_path, hook(server), "check")
        assert [("HEAD", b"")] == [(one.method, one.body) for one in server.requests]
    out = capsys.readouterr().out
    assert f"the endpoint answered {status} (it refuses the credentials" in out


def test_a_webhook_where_nothing_listens_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_endpoint(200) as server:
        sinks = hook(server)
    assert 1 == tried(tmp_path, sinks, "check")
    assert "no connection" in capsys.readouterr().out


@pytest.mark.parametrize("status", [200, 404, 405, 501])
def test_a_webhook_that_knows_no_request_without_an_alert_passes_the_check(tmp_path: Path, status: int) -> None:
    with scripted_endpoint(status) as server:
        assert 0 == tried(tmp_path, hook(server), "check")


def test_a_test_alert_says_why_a_webhook_does_not_take_it_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_endpoint(401) as server:
        assert 1 == tried(tmp_path, hook(server), "test", "webhook")
    assert "the endpoint answered 401" in capsys.readouterr().out
