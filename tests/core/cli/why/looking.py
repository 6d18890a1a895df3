"""A small recording, rules, and the answers of `mozu why` about them."""

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
"""Thread ids of the recording."""


def recording(folder: Path) -> Path:
    """Write a recording whose events 2 to 6 are reads of files by cat, vi and less; return its path."""
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
    """Return the answer under the rules of a folder; the configuration's sources are the default ones."""
    given = (f"evaluators=[falco: {json.dumps({'rules': [str(folder / 'rules.yaml')]})}]", *overrides)
    return answer(question, *configure(None, given))


def lines(found: Explanations, *, colours: bool = False, limit: int = 0) -> list[str]:
    """Return the explanations as lines of text."""
    return list(ExplanationText(colours=colours, limit=limit).lines(found))


def tree(found: Explanations) -> list[str]:
    """Return the lines of the clauses of the first explanation."""
    text = lines(found)
    rest = text[text.index("") + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def reasons(found: Explanations) -> list[tuple[str, str]]:
    """Return the reasons why the rule was not evaluated, as (kind, text)."""
    return [(one.kind, one.text) for one in found.explanations[0].unasked]
