"""A start from the code cache, on a machine that has neither libbcc nor LLVM."""

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import requirements
from tests.support.running import Running, mozu_run

pytestmark = pytest.mark.ebpf
_LIBRARIES = ("libbcc.so.0", "libLLVM-*.so.*", "libclang*.so.*")
RULE = """
- rule: {name}
  desc: For this test.
  condition: evt.type in (open, openat) and fd.name = {path}
  output: "%fd.name was opened"
  priority: NOTICE
"""


def without_compiler() -> Sequence[str]:
    """A mount namespace in which those libraries are no files."""
    found = [
        str(file.resolve())
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64")
        for pattern in _LIBRARIES
        for file in Path(folder).glob(pattern)
    ]
    hidden = " && ".join(f"mount --bind /dev/null {file}" for file in sorted(set(found)))
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", f'{hidden} && exec "$@"', "sh")


def libraries(running: Running) -> list[str]:
    """Lines of its maps that name a compiler."""
    lines = Path(f"/proc/{running.process.pid}/maps").read_text().splitlines()
    return [line for line in lines if any(name in line for name in ("libbcc", "libLLVM", "libclang"))]


def test_a_start_without_a_compiler_raises_alerts_and_reloads(tmp_path: Path) -> None:
    """The first start compiles and keeps what it needs; the second finds it, and no compiler."""
    requirements.ebpf()
    rules, watched, other = tmp_path / "rules.yaml", tmp_path / "watched", tmp_path / "other"
    for file in (watched, other):
        file.touch()
    rules.write_text(RULE.format(name="Watched", path=watched))
    cache = f"sources.syscalls.source.ebpf.code_cache={tmp_path / 'cache'}"
    arguments = ("-r", str(rules), "-o", cache, "-o", "sources.syscalls.fallback=none")

    with mozu_run(tmp_path, *arguments) as running:
        assert ", 0 compiled" not in running.wait_log("kernel programs: ")
        watched.read_text()
        running.wait_alert(lambda alert: alert["rule"] == "Watched", "an alert of the first start")
        assert libraries(running) == []
        running.stop()

    with mozu_run(tmp_path, *arguments, through=without_compiler()) as running:
        assert ", 0 compiled" in running.wait_log("kernel programs: ")
        watched.read_text()
        running.wait_alert(lambda alert: alert["rule"] == "Watched", "an alert of a start without a compiler")
        rules.write_text(RULE.format(name="Other", path=other))
        running.process.send_signal(signal.SIGHUP)
        running.wait_log("reloaded")
        other.read_text()
        running.wait_alert(lambda alert: alert["rule"] == "Other", "an alert of the new rules")
        assert [line for line in running.log if "no kernel filter" in line] == []
        assert libraries(running) == []
        counts = running.stop()["sources"]["syscalls"]["types"]["openat"]
    assert counts["filtered"] > 0
