"""The state directory of a component: its own, private, the same in every run, and listed."""

import json
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from mozu import Context, Kind, MozuError, Record, Settings, SinkDeclaration
from mozu.core.api.state_directory import made_private, state_path
from mozu.core.cli import invoke
from mozu.testing import alert, context, run_mozu


class Counting:
    """A sink that counts its starts in its state directory."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        file = self._context.state_directory() / "starts"
        file.write_text(file.read_text() + "x" if file.exists() else "x")

    async def deliver(self, records: Sequence[Record]) -> None:
        pass

    async def stop(self) -> None:
        pass


SINK = SinkDeclaration(name="counting", build=Counting, settings=Settings, summary="Counts.")


def test_what_a_component_keeps_is_there_in_the_next_run_and_private(tmp_path: Path) -> None:
    for _ in range(2):
        sinks = [{"counting": {}}, {"counting": {"id": "other"}}]
        run_mozu({"state_dir": str(tmp_path), "sinks": sinks}, [alert()], declarations=[SINK])
    path = state_path(tmp_path, Kind.SINK, "counting")
    assert [(path.parent / one / "starts").read_text() for one in ("counting", "other")] == ["xx", "xx"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent / "other")} == {0o700}


def test_a_directory_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert stat.S_IMODE(made_private(tmp_path).stat().st_mode) == 0o700


def test_a_link_in_the_place_of_the_directory_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there")
    with pytest.raises(MozuError, match=r"is no directory of the user .*; remove it, or name another"):
        made_private(link)


def test_a_directory_that_cannot_be_made_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MozuError, match=r"file/x cannot be made: Not a directory; name a directory of mozu's own"):
        made_private(tmp_path / "file" / "x")


def test_a_component_that_is_built_for_a_look_has_none() -> None:
    given = context()
    given.state_path = None
    with pytest.raises(MozuError, match="call `state_directory` in `start`"):
        given.state_directory()


def test_the_kit_gives_each_instance_a_directory_of_its_own() -> None:
    one, other = context("a").state_directory(), context("a").state_directory()
    assert (one != other, list(one.iterdir())) == (True, [])


def test_it_is_listed_and_what_no_entry_has_any_more_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, name in ((Kind.SINK, "stdout"), (Kind.SOURCE, "gone")):
        made_private(state_path(tmp_path, kind, name))
    file = tmp_path / "mozu.yaml"
    file.write_text(json.dumps({"state_dir": str(tmp_path), "sinks": ["stdout"]}))
    assert invoke(["plugins", "-c", str(file)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("state of")]
    assert lines == [
        f"state of sink stdout: {tmp_path}/plugins/sink/stdout",
        f"state of source gone: {tmp_path}/plugins/source/gone; no entry of the configuration has this id",
    ]
    assert invoke(["plugins", "-c", str(file), "--json"]) == 0
    kept = json.loads(capsys.readouterr().out)["state"]
    assert [(one["id"], one["configured"]) for one in kept] == [("stdout", True), ("gone", False)]
