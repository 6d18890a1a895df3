"""Files of other processes on a file system that does not answer: the event loop never waits for them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mozu.core.common.unsynced_stat import unsynced_stat
from tests.support.hung_files import HungFiles, hung_files
from tests.support.requirements import ROOT

PATIENCE = 60.0
LOOKS = {
    "the state's seed": "from mozu.core.state.procfs import Procfs; known = Procfs().task({pid})[1]; "
    "print(known.exepath, known.exe_mode == 0o755, known.cwd)",
    "its descriptors": "from mozu.core.state.procfs import Procfs; "
    "print(*sorted(file.name for _, file in Procfs().files({pid}) if 'program' in file.name), True)",
    "a responder's facts": "from mozu.core.respond.process_facts import executable_of, process_facts; "
    "from mozu.core.respond.foreign_code import foreign_code; facts = process_facts({pid}); "
    "print(facts.name, executable_of(facts)[1] == 2, foreign_code(facts, of_service=True))",
}
UNPRIVILEGED = ("setpriv", "--bounding-set=-checkpoint_restore,-sys_admin", "--")
"""The command prefix without the capabilities for following map_files: mapped files are then looked up by their names.
"""


@pytest.mark.parametrize("path", ["/proc/self/exe", "/dev/null", "/proc/self/cwd", "/proc/self/fd/0"])
def test_it_is_what_stat_says(path: str) -> None:
    found, expected = unsynced_stat(path), os.stat(path)
    assert (found.mode, found.ino, found.dev, found.uid, found.gid, found.size, found.ctime, found.mtime) == (
        expected.st_mode, expected.st_ino, expected.st_dev, expected.st_uid, expected.st_gid, expected.st_size,
        expected.st_ctime_ns, expected.st_mtime_ns,
    )  # fmt: skip


def test_what_is_gone_is_an_error_with_its_path() -> None:
    with pytest.raises(FileNotFoundError, match="/proc/self/fd/987654"):
        unsynced_stat("/proc/self/fd/987654")


@pytest.mark.live
@pytest.mark.parametrize(("look", "by"), [*((look, ()) for look in LOOKS), ("a responder's facts", UNPRIVILEGED)])
def test_a_process_on_a_file_system_that_does_not_answer_is_looked_at_at_once(
    tmp_path: Path, look: str, by: tuple[str, ...]
) -> None:
    with hung_files(tmp_path) as files:
        before = looked(files, look, by)
        files.stop_answering()
        hanging = stat_that_hangs(files)
        assert looked(files, look, by) == before
        assert hanging.poll() is None
        assert ("is not root's alone" in before) == bool(by)
    hanging.wait(PATIENCE)  # it fails when the server ends
    assert "program" in before
    assert "True" in before


def looked(files: HungFiles, look: str, by: tuple[str, ...]) -> str:
    """Return what a separate process sees."""
    command = [*by, sys.executable, "-c", LOOKS[look].format(pid=files.pid)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False, start_new_session=True
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def stat_that_hangs(files: HungFiles) -> "subprocess.Popen[bytes]":
    """Return a process that waits for the server, uninterruptibly, in a stat(2) of the program."""
    code = f"import os; os.stat('/proc/{files.pid}/exe')"
    made = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while _wait_channel(made.pid) != "request_wait_answer":  # fs/fuse/dev.c
        assert made.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return made


def _wait_channel(pid: int) -> str:
    """Return the kernel function in which the process waits; empty if unknown."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return ""


