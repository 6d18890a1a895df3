"""Files that mozu writes: an obstacle planted by another user is refused with its reason, and its target is not
changed.
"""

import ast
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mozu.core.common import own_file
from mozu.core.common.own_file import UnsafePath, check_own, open_own, write_own
from mozu.core.delivery.spool import Spool, SpoolUnusable
from tests.support.requirements import ROOT

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_STRANGER = 65_534


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a directory that every user may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a file that an attacker may want changed."""
    path = tmp_path / "victim"
    path.write_text("as it was")
    return path


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return a function that gives a file to another user; without CAP_CHOWN mozu's check of its owner is patched."""

    def make(path: Path) -> None:
        with contextlib.suppress(PermissionError):
            os.chown(path, _STRANGER, _STRANGER, follow_symlinks=False)
            return
        planted, is_own = path.lstat(), own_file._is_own
        monkeypatch.setattr(
            own_file, "_is_own", lambda status: not os.path.samestat(status, planted) and is_own(status)
        )

    return make


def append(path: Path, text: str = "more") -> None:
    with open(open_own(path, _APPEND), "a", encoding="utf-8") as file:
        file.write(text)


def test_a_file_is_made_for_its_owner_and_appended_to(shared: Path) -> None:
    for _ in range(2):
        append(shared / "alerts")
    assert ("moremore", 0o600) == ((shared / "alerts").read_text(), (shared / "alerts").stat().st_mode & 0o777)


def test_a_planted_symbolic_link_is_refused_and_its_target_stays_as_it_was(
    shared: Path, victim: Path, plant: Callable[[Path], None]
) -> None:
    (shared / "alerts").symlink_to(victim)
    plant(shared / "alerts")
    with pytest.raises(UnsafePath, match=r"/alerts is not written: alerts .* is a symbolic link of uid \d+; give"):
        append(shared / "alerts")
    assert victim.read_text() == "as it was"


def test_a_link_to_nothing_makes_no_file_where_it_leads(
    shared: Path, tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    (shared / "alerts").symlink_to(tmp_path / "made")
    plant(shared / "alerts")
    with pytest.raises(UnsafePath):
        append(shared / "alerts")
    assert not (tmp_path / "made").exists()


def test_a_planted_link_in_the_place_of_a_directory_is_refused(
    shared: Path, tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    (tmp_path / "etc").mkdir()
    (shared / "log").symlink_to(tmp_path / "etc")
    plant(shared / "log")
    with pytest.raises(UnsafePath, match="log on the way is a symbolic link"):
        append(shared / "log" / "cron")
    with pytest.raises(UnsafePath):
        check_own(shared / "log" / "cron")
    assert [] == [*(tmp_path / "etc").iterdir()]


def test_a_file_that_another_user_has_made_there_before_is_refused(shared: Path, plant: Callable[[Path], None]) -> None:
    (shared / "alerts").touch()
    plant(shared / "alerts")
    with pytest.raises(UnsafePath, match=r"it belongs to uid \d+, and others may write its directory"):
        append(shared / "alerts")


def test_a_fifo_of_another_user_is_refused_at_once(shared: Path, plant: Callable[[Path], None]) -> None:
    os.mkfifo(shared / "alerts")
    plant(shared / "alerts")
    with pytest.raises(UnsafePath):
        append(shared / "alerts")


def test_a_second_name_of_a_file_is_refused_in_a_shared_directory(shared: Path, victim: Path) -> None:
    os.link(victim, shared / "alerts")
    with pytest.raises(UnsafePath, match="a second name"):
        append(shared / "alerts")
    assert victim.read_text() == "as it was"


def test_where_only_mozu_may_write_links_and_second_names_are_its_own(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link").symlink_to("victim")
    (tmp_path / "folder").symlink_to(".")
    os.link(victim, tmp_path / "second")
    append(tmp_path / "folder" / "link", ", and one")
    append(tmp_path / "second", " and two")
    assert victim.read_text() == "as it was, and one and two"


def test_what_is_exchanged_after_the_look_is_not_opened(
    shared: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shared / "alerts").write_text("mine")
    checked = own_file._check

    def exchanged(path: Path, folder: int, found: int) -> None:
        checked(path, folder, found)
        (shared / "alerts").unlink()
        (shared / "alerts").symlink_to(victim)

    monkeypatch.setattr(own_file, "_check", exchanged)
    descriptor = open_own(shared / "alerts", _APPEND)
    try:
        assert os.readlink(f"/proc/self/fd/{descriptor}") == f"{shared / 'alerts'} (deleted)"
    finally:
        os.close(descriptor)
    assert victim.read_text() == "as it was"


def test_a_link_that_appears_where_a_file_is_made_is_not_followed(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[Path], None]
) -> None:
    walked = own_file._walk

    def planted(path: Path, *arguments: object, **more: object) -> object:
        found = walked(path, *arguments, **more)  # type: ignore[arg-type]  # as it was called
        path.symlink_to(tmp_path / "made")
        plant(path)
        return found

    monkeypatch.setattr(own_file, "_walk", planted)
    with pytest.raises((UnsafePath, OSError)):
        append(shared / "alerts")
    assert not (tmp_path / "made").exists()


def test_the_standard_streams_of_the_process_can_be_named(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        write_own(Path(f"/proc/self/fd/{out.fileno()}"), b"numbers")
    assert (tmp_path / "out").read_bytes() == b"numbers"


def test_a_file_is_written_anew_and_made_once(tmp_path: Path) -> None:
    write_own(tmp_path / "a", b"long before")
    write_own(tmp_path / "a", b"short")
    assert (tmp_path / "a").read_bytes() == b"short"
    with pytest.raises(FileExistsError):
        open_own(tmp_path / "a", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "b", os.O_WRONLY)


def test_directories_are_made_where_that_is_wanted_and_loops_end(tmp_path: Path) -> None:
    os.close(open_own(tmp_path / "a" / "b" / "c", _APPEND, makes_folders=True))
    assert 0o700 == (tmp_path / "a" / "b").stat().st_mode & 0o777
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "x" / "y", _APPEND)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels"):
        open_own(tmp_path / "loop", _APPEND)
    with pytest.raises(NotADirectoryError):
        open_own(tmp_path / "a" / "b" / "c" / "d", _APPEND)


def test_a_file_that_may_be_no_link_is_none_even_where_only_mozu_may_write(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link").symlink_to(victim)
    with pytest.raises(OSError, match="Too many levels"):
        open_own(tmp_path / "link", _APPEND | os.O_NOFOLLOW)


def test_a_spool_whose_database_or_log_another_user_has_planted_is_refused(
    shared: Path, victim: Path, plant: Callable[[Path], None]
) -> None:
    Spool(shared / "one.db").close()
    for name in ("two.db", "one.db-wal"):
        (shared / name).symlink_to(victim)
        plant(shared / name)
        with pytest.raises(SpoolUnusable, match="is a symbolic link of uid"):
            Spool(shared / f"{name[:3]}.db")
    assert victim.read_text() == "as it was"


# --- the class: no other code opens a file to write it

_OTHERWISE = {
    "core/common/file_access.py": "only asks, without making or writing",
    "core/common/own_file.py": "the mechanism",
    "core/common/cgroup_control.py": "files of the kernel",
    "core/runtime/hosting/process/limits.py": "files of the kernel",
    "core/testing/run_mozu.py": "a new directory of a test",
    "core/cli/import_falco.py": "O_EXCL, a command of a user",
    "core/cli/rules_artifact/archive.py": "writes into memory",
    "core/cli/rules_artifact/layout.py": "mkstemp, a command of a user",
    "core/cli/rules_artifact/versions.py": "in a directory that was checked",
    "core/cli/local_rules.py": "mkstemp, a command of a user",
    "core/cli/tune/proof.py": "a new directory, a command of a user",
    "core/cli/plugin/command.py": "a new directory, a command of a user",
    "core/cli/document.py": "writes the project's own pages",
    "core/runtime/falco_import/document.py": "writes the project's own pages",
    "core/delivery/spool/disk_room.py": "beside the database, in a directory that was checked",
    "core/delivery/spool/page_reserve.py": "beside the database, in a directory that was checked",
    "plugins/sources/ebpf/objects/compiler.py": "a new directory of mkdtemp",
    "plugins/sources/ebpf/objects/object_file.py": "a build's own tree",
    "plugins/sources/ptrace/reading/held_open.py": "opens for a traced program, with that program's rights",
}


def places() -> Iterator[Path]:
    for room in ("core", "plugins"):
        yield from sorted((ROOT / room).rglob("*.py"))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def writes(node: ast.Call) -> bool:
    """Return True if the text of the call says that it creates or opens a file for writing."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    text = ast.unparse(node)
    if name in ("write_bytes", "write_text", "touch", "mkstemp", "NamedTemporaryFile"):
        return True
    if name == "open" and text.startswith("os.open("):
        is_to_write = any(flag in text for flag in ("O_CREAT", "O_WRONLY", "O_RDWR"))
        return is_to_write and not any(other in text for other in ("O_TMPFILE", "os.devnull"))
    given = [*node.args, *(word.value for word in node.keywords)]
    modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    is_mode = any(mode and set(mode) <= set("wabrt+x") and set(mode) & set("wax+") for mode in modes)
    of_descriptor = any(word in text for word in ("open_own(", "closefd", "memfd", "descriptor", "gzip.open("))
    return name == "open" and is_mode and not of_descriptor


def test_every_place_that_writes_a_file_does_it_here() -> None:
    found = {str(path.relative_to(ROOT)): [node.lineno for node in calls(path) if writes(node)] for path in places()}
    others = {name: lines for name, lines in found.items() if lines and name not in _OTHERWISE}
    assert others == {}, "open it with core/common/own_file.py, or say here why not"
