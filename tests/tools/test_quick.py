"""`tools/quick`: which tests a change asks for."""

import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.requirements import ROOT, program

PLACE: Final = ROOT / "tools/quick"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the script as a module, in the project's folder."""
    monkeypatch.chdir(ROOT)
    loader = SourceFileLoader("quick", str(PLACE))
    spec = spec_from_loader("quick", loader)
    assert spec is not None
    made = module_from_spec(spec)
    loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("core/delivery/disk_queue.py", "tests/core/delivery/test_disk_queue.py"),
        ("core/delivery/spool/__init__.py", "tests/core/delivery/spool"),
        ("core/flow/fair_share.py", "tests/core/flow/test_fair_share.py"),
        ("core/flow/added_later.py", "tests/core/flow"),
        ("core/language/rules/checks/added_later.py", "tests/core/language/rules/checks"),
        ("plugins/sinks/kafka/producer.py", "tests/plugins/sinks/test_kafka.py"),
        ("tests/test_mirror.py", "tests/test_mirror.py"),
        ("tests/support/ports.py", "tests/docs/test_fleet_dashboards.py"),
        ("docs/glossary.md", "tests/docs"),
        ("changelog.d/one.added.md", "tests/docs"),
        ("pyproject.toml", "tests/packaging"),
        ("bpf/mozu.h", "tests/bpf"),
        ("tools/commit-messages", "tests/tools/test_commit_messages.py"),
    ],
)
def test_a_change_asks_for_the_tests_of_its_place(quick: Any, changed: str, expected: str) -> None:
    found = quick.tests_of([Path(changed)])
    named = Path(expected)
    assert named in found or any(folder in named.parents for folder in found)


def test_tests_elsewhere_that_import_the_module_are_asked_for(quick: Any) -> None:
    found = quick.tests_of([Path("core/delivery/disk_queue.py")])
    apart = [path for path in found if not path.is_relative_to("tests/core/delivery")]
    assert apart
    assert all("disk_queue" in path.read_text() for path in apart)


def test_a_file_below_a_folder_that_is_asked_for_is_not_named_again(quick: Any) -> None:
    found = quick.tests_of([Path("core/flow/added_later.py"), Path("tests/core/flow/test_pipeline.py")])
    assert Path("tests/core/flow") in found
    assert not [path for path in found if Path("tests/core/flow") in path.parents]


def test_a_removed_test_is_not_asked_for(quick: Any) -> None:
    assert quick.tests_of([Path("tests/core/flow/test_removed.py")]) == []


@pytest.mark.live
def test_files_count_if_they_differ_from_where_the_branch_began(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        about = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
        subprocess.run([program("git"), "-C", str(tmp_path), *about, *arguments], check=True, capture_output=True)

    def commit(name: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
        git("add", name)
        git("commit", "--quiet", "-m", name)

    git("init", "--quiet", "--initial-branch", "main")
    commit("tests/test_before.py")
    git("checkout", "--quiet", "-b", "work")
    commit("tests/test_committed.py")
    git("checkout", "--quiet", "main")
    commit("tests/test_of_main.py")
    git("checkout", "--quiet", "work")
    (tmp_path / "tests/test_before.py").write_text("# changed\n")
    (tmp_path / "tests/test_new.py").write_text("# new\n")

    found = subprocess.run([PLACE], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert found == ["tests/test_before.py", "tests/test_committed.py", "tests/test_new.py"]
