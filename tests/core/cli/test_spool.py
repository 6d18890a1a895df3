"""`mozu spool` and `mozu redrive` on a real spool."""

import json
from pathlib import Path

import pytest

from mozu.core.cli import invoke
from mozu.core.delivery.spool import Spool
from mozu.core.testing import alert
from tests.support.packing import packed


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a configuration whose sink has one waiting alert and one dead letter."""
    path = tmp_path / "siem.db"
    (tmp_path / "mozu.yaml").write_text(f"sinks:\n  - stdout: {{id: siem, spool: {{path: {path}}}}}\n")
    spool = Spool(path)
    spool.append([packed(alert("waits")), packed(alert("failed"))])
    spool.dead_letter([(2, "too large")])
    spool.close()
    return str(tmp_path / "mozu.yaml")


def test_the_status_tells_what_waits(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == invoke(["spool", "status", "-c", config, "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert ("siem", 1, 1, 2, 1) == (row["sink"], row["waiting"], row["oldest"], row["last"], row["dead"])


def test_a_peek_shows_alerts_and_changes_nothing(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert 0 == invoke(["spool", "peek", "siem", "-c", config])
        shown = json.loads(capsys.readouterr().out)
        assert (1, "waits") == (shown["sequence"], shown["alert"]["rule"])


def test_a_peek_at_the_dead_letters_tells_their_reasons(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == invoke(["spool", "peek", "siem", "--dead", "-c", config])
    shown = json.loads(capsys.readouterr().out)
    assert ("too large", "failed") == (shown["reason"], shown["alert"]["rule"])


def test_dead_letters_are_sent_again_on_demand(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == invoke(["redrive", "--sink", "siem", "--since", "1h", "-c", config])
    assert "siem: 1 dead letters wait again\n" == capsys.readouterr().out
    assert 0 == invoke(["spool", "peek", "siem", "-c", config])
    assert ["waits", "failed"] == [json.loads(line)["alert"]["rule"] for line in capsys.readouterr().out.splitlines()]


def test_a_sink_without_a_spool_is_a_usage_error(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == invoke(["spool", "peek", "other", "-c", config])
    assert "no sink 'other' with a spool" in capsys.readouterr().err


def test_an_age_that_is_none_is_a_usage_error(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == invoke(["redrive", "--since", "yesterday", "-c", config])
    assert "30s, 10m, 2h, 7d" in capsys.readouterr().err
