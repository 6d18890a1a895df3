"""`mozu view`: alerts of files as a page."""

import json
import os
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run
from tests.plugins.pages.test_view_export import alert, contents


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page to write."""
    return tmp_path / "page.html"


def lines(file: Path, *documents: object) -> Path:
    """Return a file with a document in each line."""
    file.write_text("".join(f"{json.dumps(one)}\n" for one in documents))
    return file


def test_alerts_of_files_become_a_page(run: Run, tmp_path: Path, page: Path) -> None:
    first = lines(
        tmp_path / "a.jsonl", alert(hostname="one"), {"alert": alert(hostname="peeked")}, [], {"rule": "no alert"}
    )
    second = lines(tmp_path / "b.jsonl", alert(hostname="two"))
    with second.open("a") as file:
        file.write("\nno JSON\n")
    code, out, err = run("view", "--export", page, first, second)
    assert (code, out) == (0, f"{page}: 3 alerts\n")
    assert err == "mozu: 3 lines are no alerts in the format json, and are not shown\n"
    assert [one["host"] for one in contents(page.read_bytes())["alerts"]] == ["one", "peeked", "two"]


def test_no_more_alerts_are_read_than_asked_for(run: Run, tmp_path: Path, page: Path) -> None:
    file = lines(tmp_path / "a.jsonl", *(alert() for _ in range(5)))
    assert run("view", "--export", page, "-n", 3, file)[1] == f"{page}: 3 alerts\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "name a file of alerts in the format json, `-` for the standard input, or --spool SINK"),
        (["empty.jsonl"], 1, "there are no alerts in the format json"),
        (["absent.jsonl"], 1, "absent.jsonl cannot be read: No such file or directory"),
        (["."], 1, ". cannot be read: Is a directory"),
    ],
)
def test_without_alerts_no_page_is_written(
    run: Run, tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    lines(Path("empty.jsonl"))
    found, _, err = run("view", "--export", page, *arguments)
    assert found == code
    assert said in err
    assert not page.exists()


def test_a_page_that_cannot_be_written_is_an_error(run: Run, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", alert())
    code, _, err = run("view", "--export", tmp_path / "absent" / "page.html", file)
    assert code == 1
    assert f"the page {tmp_path}/absent/page.html cannot be written: {os.strerror(2)}" in err
