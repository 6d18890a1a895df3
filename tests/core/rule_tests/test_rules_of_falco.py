"""Rules written for Falco can be tested by test files in a directory of the user's own."""

from pathlib import Path

from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry
from tests.core.rule_tests.suites import fields, kinds, messages
from tests.support.requirements import corpus

TESTS = """
- rules: [RULES, mine.yaml]
- given: {fd.num: 5, evt.failed: false, container.id: host}
- test: cat reads the password database
  event: {evt.type: openat, fd.name: /etc/shadow, evt.arg.flags: O_RDONLY, proc.name: cat, proc.aname: [bash]}
  match: Read sensitive file untrusted
- test: my backup may
  event: {evt.type: openat, fd.name: /etc/shadow, evt.arg.flags: O_RDONLY, proc.name: my-backup}
  quiet: Read sensitive file untrusted
- test: a terminal in a container
  event: {evt.type: execve, proc.name: bash, proc.tty: 34816, container.id: 0123456789ab, proc.vpid: 1}
  match: Terminal shell in container
- test: a shell at the end of a connection
  event: {evt.type: dup2, fd.num: 4, fd.type: ipv4, evt.rawres: 0, container.id: 0123456789ab, proc.name: bash}
  match: Redirect STDOUT/STDIN to Network Connection in Container
- test: a program from memory
  event: {evt.type: execve, proc.is_exe_from_memfd: true, proc.name: x, evt.arg.flags: EXE_FROM_MEMFD}
  match: Fileless execution via memfd_create
- test: a link over a secret
  event: {evt.type: symlink, evt.arg.target: /etc/shadow, evt.rawres: 0, proc.name: ln}
  match: Create Symlink Over Sensitive Files
- test: a module of the kernel
  event: {evt.type: init_module, thread.cap_effective: CAP_SYS_MODULE, container.id: 0123456789ab, evt.res: SUCCESS}
  match: Linux Kernel Module Injection Detected
"""
MINE = """
- rule: Read sensitive file untrusted
  condition: and not proc.name = my-backup
  override: {condition: append}
"""


def test_rules_of_falco_are_tested_with_changes_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "mine_test.yaml").write_text(TESTS.replace("RULES", str(corpus("falco-rules", "falco_rules.yaml"))))
    suite = Suite(fields(), LiveRun(Registry), Plan())
    outcomes = list(suite.run(find([tmp_path])))
    assert set(kinds(outcomes).values()) == {"passed"}, messages(outcomes, tmp_path)
    assert sum(suite.coverage.rules.values()) == 6
