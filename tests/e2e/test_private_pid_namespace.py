"""A mozu started in a private pid namespace reports the facts that it cannot know."""

from pathlib import Path
from typing import Final

import pytest

from tests.support.requirements import ebpf
from tests.support.running import mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(120)]

APART: Final = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child")
RULE: Final = """\
- rule: Never
  desc: For a start
  condition: evt.type = openat and fd.name = /mozu-never
  output: never
  priority: NOTICE
"""


@pytest.mark.parametrize(("through", "warnings"), [(APART, 1), ((), 0)])
def test_one_warning_at_the_start_names_what_to_set(tmp_path: Path, through: tuple[str, ...], warnings: int) -> None:
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULE)
    with mozu_run(tmp_path, "-r", str(tmp_path / "rules.yaml"), through=through) as running:
        running.wait_log("watching")
        assert sum("hostPID: true" in line for line in running.log) == warnings
