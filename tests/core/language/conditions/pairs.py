"""Fixture files: pairs of lines (input, expected) between blank lines; `# type: NAME` sets the event type."""

from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures"


def pairs(name: str) -> list[tuple[str, str, str | None]]:
    """Return (input, expected, event type) of each pair."""
    kind: str | None = None
    found: list[tuple[str, str, str | None]] = []
    for block in (FOLDER / f"{name}.txt").read_text("utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line]
        for comment in (line for line in lines if line.startswith("#")):
            kind = comment.removeprefix("# type:").strip() if comment.startswith("# type:") else kind
        given = [line for line in lines if not line.startswith("#")]
        if given:
            condition, expected = given
            found.append((condition, expected, kind))
    return found
