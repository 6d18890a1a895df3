"""The directory of the compiler's headers: private, gone afterwards, and removed by the next start after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import header_tree as module
from tests.support.requirements import ROOT

FILES = {"include/a.h": "text"}


def test_headers_lie_in_a_fresh_private_directory_and_are_gone_afterwards() -> None:
    with module.header_tree(FILES) as tree:
        mode = tree.stat().st_mode & 0o777
        assert (mode, tree.stat().st_uid) == (0o700, os.geteuid())
        assert (tree / "include/a.h").read_text() == "text"

    assert not tree.exists()


def test_a_directory_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_to_all = tmp_path / "mozu"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setattr(module, "_RUN", open_to_all)

    with module.header_tree(FILES) as tree:
        assert open_to_all not in tree.parents


def test_a_link_in_place_of_the_directory_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mozu").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(module, "_RUN", tmp_path / "mozu")

    with module.header_tree(FILES) as tree:
        assert tmp_path / "elsewhere" not in tree.resolve().parents


def used_directory(parent: Path) -> "subprocess.Popen[str]":
    """Another process that has a tree below `parent`, and prints where, until its input ends."""
    code = (
        "import sys; from pathlib import Path; from mozu.plugins.sources.ebpf import header_tree as module\n"
        "module._RUN = Path(sys.argv[1])\n"
        "with module.header_tree({'a.h': 'text'}) as tree: print(tree, flush=True); sys.stdin.read()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_RUN", tmp_path / "mozu")
    (tmp_path / "mozu").mkdir(mode=0o700)
    return tmp_path / "mozu"


def test_what_a_killed_run_left_is_removed_and_what_a_live_run_uses_stays(parent: Path) -> None:
    with used_directory(parent) as killed, used_directory(parent) as live:
        assert killed.stdout is not None
        assert live.stdout is not None
        stale, used = Path(killed.stdout.readline().strip()), Path(live.stdout.readline().strip())
        killed.send_signal(signal.SIGKILL)
        killed.wait(20)
        assert stale.exists()
        with module.header_tree(FILES) as own:
            assert set(parent.iterdir()) == {own, used}
        assert (used / "a.h").read_text() == "text"
        live.communicate("")
    assert list(parent.iterdir()) == []


def test_directories_of_earlier_versions_are_removed_too_and_nothing_else(parent: Path, tmp_path: Path) -> None:
    (parent / "headers-k2l3").mkdir()
    (parent / "spool").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (parent / "headers-link").symlink_to(tmp_path / "elsewhere")
    (parent / "headers-file").write_text("")
    with module.header_tree(FILES):
        pass
    assert {path.name for path in parent.iterdir()} == {"spool", "headers-link", "headers-file"}
    assert (tmp_path / "elsewhere").exists()
