"""The promises of the page on delivery."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mozu.core.runtime.config import load
from tests.support.requirements import program

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/integrate/delivery.md").read_text()


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    (sink,) = load(path).sinks
    assert ("archive", True, "warning") == (sink.id, sink.spool.enabled, sink.route.priority)


@pytest.mark.live
@pytest.mark.parametrize(("numbers", "expected"), [([1, 2, 3], ""), ([1, 2, 2, 5], "missing h s e 3 to 4\n")])
def test_the_completeness_query_finds_what_is_missing(numbers: list[int], expected: str, tmp_path: Path) -> None:
    program("jq")
    lines: list[Any] = [{"mozu": {"agent": "h", "sink": "s", "epoch": "e", "sequence": n}} for n in numbers]
    (tmp_path / "alerts.jsonl").write_text("\n".join(map(json.dumps, [{"no": "stamp"}, *lines])))
    query = re.search(r"\n\n((?:    .*\n)+)", PAGE[PAGE.index("`jq`") :])
    assert query is not None
    found = subprocess.run(["sh", "-c", query[1]], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert expected == found.stdout
