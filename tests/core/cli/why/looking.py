"""A small recording, rules, and what `mozu why` says of them."""

import json
from pathlib import Path

from mozu.core.cli.why.evaluator import Explanations
from mozu.core.cli.why.report import ExplanationText
from mozu.core.cli.why.run import Question, answer
from mozu.core.runtime.configure import configure
from tests.oracle.capture import Capture

RULES = """\
- list: readers
  items: [cat, less]
- macro: opened
  condition: evt.type in (open, openat)
- rule: Secret read
  desc: A secret was read.
  condition: opened and fd.name startswith /secret/ and proc.name in (readers)
  output: "secret %fd.name read by %proc.name"
  priority: WARNING
  exceptions:
    - name: known
      fields: [proc.name, fd.name]
      comps: [=, startswith]
      values: [[less, /secret/public/]]
- rule: Anything read
  desc: A file was read.
  condition: opened and fd.name startswith /secret/keys/
  output: "key %fd.name"
  priority: NOTICE
- rule: Asleep
  desc: It never runs.
  condition: evt.type = openat and fd.name = /secret/a
  output: asleep
  priority: NOTICE
  enabled: false
- rule: Of the cluster
  desc: It is of another source.
  condition: ka.verb = get
  output: "verb %ka.verb"
  priority: NOTICE
  source: k8s_audit
"""
CAT, LESS, VI = 5, 6, 7
"""Threads of the recording."""


def recording(folder: Path) -> Path:
    """Events 2 to 6: cat, vi and less read files."""
    made = Capture().process(CAT, "cat").process(LESS, "less").process(VI, "vi")
    for tid, name in (
        (CAT, "/secret/a"),
        (VI, "/secret/a"),
        (LESS, "/secret/public/b"),
        (CAT, "/etc/hosts"),
        (CAT, "/secret/keys/c"),
    ):
        made.event("openat", tid, 3, -100, name, 1, 0, 0, 1)
    path = folder / "reads.scap"
    path.write_bytes(made.raw())
    (folder / "rules.yaml").write_text(RULES)
    return path


def look(question: Question, folder: Path, *overrides: str) -> Explanations:
    """The answer under the rules of a folder; the sources of the configuration are the default ones."""
    given = (f"evaluators=[falco: {json.dumps({'rules': [str(folder / 'rules.yaml')]})}]", *overrides)
    return answer(question, *configure(None, given))


def lines(found: Explanations, *, colours: bool = False, limit: int = 0) -> list[str]:
    """As text."""
    return list(ExplanationText(colours=colours, limit=limit).lines(found))


def tree(found: Explanations) -> list[str]:
    """The lines of the clauses of the first explanation."""
    text = lines(found)
    rest = text[text.index("") + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def reasons(found: Explanations) -> list[tuple[str, str]]:
    """Why the rule was not asked."""
    return [(one.kind, one.text) for one in found.explanations[0].unasked]
