"""The chosen exception as items of the local rule file, and its tests for the file beside it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from mozu.core.cli.local_rules import quoted
from mozu.core.cli.tune.proposals import Proposal, literal
from mozu.core.cli.tune.sample import EventPair
from mozu.core.language.rules.rule_test_names import SUFFIXES
from mozu.core.rule_tests.document import Fields


class Review(msgspec.Struct, frozen=True):
    """Who makes an exception, when, why, and its last day (None: it has none)."""

    author: str
    today: date
    reason: str
    expires: date | None


def exception_items(rule: str, name: str, proposal: Proposal, review: Review) -> str:
    """Return the item that appends the exception to the rule, as YAML."""
    tests = proposal.tests
    expires = "" if review.expires is None else f", expires: {review.expires}"
    about = f"author: {quoted(review.author)}, date: {review.today}, reason: {quoted(review.reason)}{expires}"
    values = ", ".join(quoted(literal(text)) for _, _, text in tests)
    return (
        f"- rule: {quoted(rule)}\n"
        "  exceptions:\n"
        f"    - name: {name}\n"
        f"      mozu: {{{about}}}\n"
        f"      fields: [{', '.join(quoted(field) for field, _, _ in tests)}]\n"
        f"      comps: [{', '.join(quoted(comp) for _, comp, _ in tests)}]\n"
        "      values:\n"
        f"        - [{values}]\n"
        "  override: {exceptions: append}\n"
    )


def test_file(local: Path) -> Path:
    """Return the file of the tests of a rule file."""
    return local.with_name(f"{local.stem}{SUFFIXES[0]}")


def test_items(rule: str, name: str, sample: EventPair) -> str:
    """Return the two tests, as YAML."""
    given = f"  given: {_mapping(sample.defaults)}\n" if sample.defaults else ""
    return (
        f"- test: {quoted(f'{name} silences alerts of {rule}')}\n{given}"
        f"  event: {_mapping(sample.silenced)}\n  quiet: {quoted(rule)}\n"
        f"- test: {quoted(f'{name} leaves other alerts of {rule}')}\n{given}"
        f"  event: {_mapping(sample.other)}\n  match: {quoted(rule)}\n"
    )


def test_header(paths: Sequence[Path], local: Path) -> str:
    """Return the item that names the rule files and directories under test, as far as they exist."""
    found = [path for path in paths if path == local or path.exists()]
    return f"- rules: [{', '.join(quoted(str(path.resolve())) for path in found)}]\n"


def _mapping(fields: Fields) -> str:
    parts = []
    for name, value in fields.items():
        if value.form is None:
            shown = "~"
        elif isinstance(value.form, str):
            shown = quoted(value.form)
        else:
            shown = f"[{', '.join(map(quoted, value.form))}]"
        parts.append(f"{quoted(name)}: {shown}")
    return f"{{{', '.join(parts)}}}"
