"""python -m benchmarks.rule_tests: what `mozu test` costs, start included, for 100 rules with 400 tests.

Half of the rules are on opened files, half on started programs, each with two macros, lists and eight tests of fields;
each has four tests. The command runs five times; wall clock and CPU of each are printed. Nothing here judges them.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

_RULES: Final = 100
_RUNS: Final = 5
_WORDS: Final = """
- list: shells
  items: [sh, bash, dash]
- macro: opened
  condition: (evt.type in (open, openat, openat2, creat) and fd.num >= 0 and fd.typechar = f)
- macro: started
  condition: (evt.type in (execve, execveat) and evt.failed = false)
- macro: installing
  condition: (proc.name in (apt, dpkg, rpm) or proc.aname in (apt, dpkg, rpm))
"""
_FILE: Final = """
- rule: Rule {n}
  desc: A file was written.
  condition: >
    opened and evt.is_open_write = true and fd.name startswith /d{n}/ and not proc.name in (shells) and not installing
    and not (fd.filename endswith .tmp or fd.directory pmatch (/d{n}/a, /d{n}/b))
  output: written (file=%fd.name process=%proc.name command=%proc.cmdline user=%user.name container=%container.id)
  priority: NOTICE
"""
_PROGRAM: Final = """
- rule: Rule {n}
  desc: A program was started.
  condition: >
    started and proc.name = p{n} and proc.pname in (shells) and not proc.cmdline contains " --ok{n}" and not installing
  output: started (command=%proc.cmdline parent=%proc.pname user=%user.name container=%container.id)
  priority: NOTICE
"""
_TEST: Final = "- test: Rule {n} {part}\n  event: {{{event}}}\n  {expected}: Rule {n}\n"


def tests(number: int) -> str:
    """Return one test that matches and three that stay quiet."""
    if number % 2:
        event = (
            "evt.type: openat, fd.name: {0}, evt.arg.flags: O_WRONLY|O_CREAT, proc.name: {1}, proc.aname: [{2}, sshd]"
        )
        cases = [(f"/d{number}/x", "cp", "bash"), (f"/d{number}/x", "sh", "bash")]
        cases += [(f"/d{number}/x.tmp", "cp", "bash"), (f"/d{number}/x", "cp", "dpkg")]
    else:
        event = "evt.type: execve, proc.cmdline: {0}, proc.name: {1}, proc.aname: [{2}, sshd]"
        name = f"p{number}"
        cases = [(f"{name} -x", name, "bash"), (f"{name} --ok{number}", name, "sh")]
        cases += [(name, name, "make"), ("q", "q", "sh")]
    return "".join(
        _TEST.format(n=number, part=part, event=event.format(*case), expected="quiet" if part else "match")
        for part, case in enumerate(cases)
    )


def main() -> None:
    """Print a line for each run."""
    with tempfile.TemporaryDirectory() as folder:
        rules = [(_FILE if number % 2 else _PROGRAM).format(n=number) for number in range(_RULES)]
        Path(folder, "rules.yaml").write_text(_WORDS + "".join(rules))
        given = "- given: {fd.num: 3, evt.failed: false}\n"
        Path(folder, "rules_test.yaml").write_text(given + "".join(map(tests, range(_RULES))))
        for _ in range(_RUNS):
            before, began = os.times(), time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "mozu", "test", folder], capture_output=True, text=True, check=True
            )
            after, wall = os.times(), time.monotonic() - began
            cpu = sum(after[2:4]) - sum(before[2:4])
            print(f"{wall:.2f} s, {cpu:.2f} s of CPU: {done.stdout.splitlines()[0]}")


if __name__ == "__main__":
    main()
