"""docs/path-of-an-event.md: every function on the page exists, and each step reaches the next one as the page says."""

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/path-of-an-event.md").read_text()
PLACE = r"`([\w/.-]+\.(?:py|c|h)):([\w.]+)`"


class Step(NamedTuple):
    """A row: a function, and how it reaches the next."""

    path: str
    function: str
    token: str
    via: tuple[str, str] | None

    @property
    def names(self) -> set[str]:
        """Return the names that callers write: the function's own and its class's; for an object that is called, its
        class's only."""
        return set(self.function.split(".")) - {"__call__"}


def steps() -> list[Step]:
    found = []
    for line in PAGE.splitlines():
        row = re.fullmatch(rf"\| {PLACE} \| .* \| (.*)\|", line)
        if row is None:
            continue
        by = re.fullmatch(rf"(?:`(\w+)`(?: in {PLACE})?)? ?", row[3])
        assert by is not None, line
        found.append(Step(row[1], row[2], by[1] or "", (by[2], by[3]) if by[2] else None))
    return found


def text_of(path: str, name: str) -> str:
    """Return the source of a function, class or table. Raises KeyError if there is none."""
    text = (ROOT / path).read_text()
    return _in_python(text, name) if path.endswith(".py") else _in_c(text, name)


def _in_python(text: str, name: str) -> str:
    body: list[ast.stmt] = ast.parse(text).body
    node: ast.stmt | None = None
    for part in name.split("."):
        node = next((one for one in body if part in _names(one)), None)
        if node is None:
            raise KeyError(name)
        body = node.body if isinstance(node, ast.ClassDef) else []
    found = ast.get_source_segment(text, node) if node is not None else None
    assert found is not None
    return found


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _in_c(text: str, name: str) -> str:
    found = re.search(rf"^inlined [^\n;]*?\b{name}\([^;{{]*\) {{\n.*?^}}", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise KeyError(name)
    return found[0]


def has(text: str, *words: str) -> bool:
    """Return True if the text has one of these words."""
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)


STEPS = steps()


def test_the_page_has_a_row_for_each_step_in_its_tables() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert (len(rows), True) == (len(STEPS), len(STEPS) > 35)
    assert ["EbpfSource._poll", "MemoryQueue.ack"] == [step.function for step in STEPS if not step.token]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.function)
def test_every_function_on_the_page_exists(step: Step) -> None:
    assert text_of(step.path, step.function)
    if step.via is not None:
        assert text_of(*step.via)


@pytest.mark.parametrize(("one", "following"), list(pairwise(STEPS)), ids=lambda step: step.function)
def test_each_step_reaches_the_next_as_the_page_says(one: Step, following: Step) -> None:
    """A step reaches the next by a call, in either direction, by a name that both have, or by a third place that binds
    the two."""
    mine, theirs = text_of(one.path, one.function), text_of(following.path, following.function)
    if not one.token:  # the kernel wakes the next step
        return
    if one.via is None:
        assert one.token in one.names or has(mine, one.token), f"{one.function} does not name {one.token}"
        assert one.token in following.names or has(theirs, one.token), f"{following.function} is not {one.token}"
        return
    place, binds = one.via[1], text_of(*one.via)
    assert one.token in mine or has(binds, one.token), f"neither {one.function} nor {place} names {one.token}"
    reached = has(binds, *following.names) or has(theirs, place.rpartition(".")[2])
    assert reached, f"{place} does not lead to {following.function}"


@pytest.mark.parametrize(("one", "following"), list(pairwise(STEPS)), ids=lambda step: step.function)
def test_steps_that_one_function_calls_stand_on_the_page_in_the_order_of_the_calls(one: Step, following: Step) -> None:
    if one.via is None or one.token not in following.names:
        return
    binds = text_of(*one.via)
    first, second = (re.search(rf"\b{step.function.rpartition('.')[2]}\(", binds) for step in (one, following))
    if first is not None and second is not None:
        assert first.start() < second.start(), f"{one.via[1]} calls {following.function} before {one.function}"


def test_a_name_that_is_not_there_is_found_out() -> None:
    for path, name in (("core/flow/pipeline.py", "SourcePipeline.nothing"), ("bpf/record.h", "nothing")):
        with pytest.raises(KeyError):
            text_of(path, name)
