"""metrics.tsv lists exactly the metrics of the code; docs/operate/metrics.md agrees with metrics.tsv."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from mozu.core.runtime.operations.document import text
from mozu.core.runtime.operations.metric_help import known_metrics
from mozu.core.state import StateMachine
from tests.support.requirements import ROOT

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for top in ("core", "plugins"):
        for path in sorted((ROOT / top).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def counted() -> set[str]:
    """Return every name that is given to `counter` or `time_counter`, to `gauge`, or to `Sample`, as text."""
    found: set[str] = set()
    for path, tree in sources():
        if "falco_names" in path.name:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called in ("counter", "time_counter", "gauge", "Sample") and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found


def test_every_metric_of_the_code_is_explained() -> None:
    found = counted()
    assert len(found) > 80
    assert set() == found - known_metrics().keys()


def test_every_metric_that_is_explained_is_in_the_code() -> None:
    texts = {
        node.value for _, tree in sources() for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # fmt: skip
    made = {f"state_{name}" for name in StateMachine(procfs=None).sizes()}
    made |= {f"type_events_{what}_total" for what in ("seen", "filtered", "lost", "missed", "received")}
    made |= {"mozu_info"}
    assert set() == known_metrics().keys() - texts - made


def test_names_and_sentences_are_written_as_they_should_be() -> None:
    for one in known_metrics().values():
        assert _NAME.fullmatch(one.name) or one.name == "containers", one.name
        assert one.sentence.endswith("."), one.sentence
        assert "\t" not in one.sentence


def test_the_page_is_current() -> None:
    assert text() == (ROOT / "docs/operate/metrics.md").read_text(), "run `make docs`"
