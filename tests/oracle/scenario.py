"""Scenarios of a folder: a capture, rules, settings, and the expected alerts."""

import csv
import functools
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Capture with its rules, settings and expected alerts."""

    name: str
    theme: str
    capture: Path
    rules: tuple[Path, ...]
    """Rule files in load order."""
    settings: dict[str, Any]
    """Falco's settings that differ from the folder's defaults."""
    hosts: dict[bytes, tuple[str, ...]]
    """Address → names of the hosts file that Falco saw; empty if it had no relevant ones."""
    expected: tuple[dict[str, Any], ...] | None
    """Alerts as JSON objects; None if Falco gave up: then no alert and an error are expected."""
    text: str | None
    """Expected text lines if JSON was off."""
    suggested_output: bool


def scenarios(folder: Path, stock: Path) -> list[Scenario]:
    """Return every scenario of a folder, by name. `stock` holds rule files that scenarios name and do not contain."""
    return [scenario(folder, stock, name) for name in names(folder)]


def names(folder: Path | None) -> list[str]:
    """Return the names of the folder's scenarios, sorted; empty without a folder."""
    return sorted(path.stem for path in folder.glob("*.scap")) if folder else []


def scenario(folder: Path, stock: Path, name: str) -> Scenario:
    """Return the scenario of this name."""
    return _scenario(folder, stock, folder / f"{name}.scap", _manifest(folder).get(name, {}))


@functools.cache
def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "MANIFEST.tsv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def _scenario(folder: Path, stock: Path, capture: Path, row: dict[str, str]) -> Scenario:
    name = capture.stem
    expected = folder / f"{name}.expected.jsonl"
    text = folder / f"{name}.expected.txt"
    lines = expected.read_text().splitlines() if expected.exists() else []
    ok = row.get("status", "ok") == "ok"
    return Scenario(
        name=name,
        theme=row.get("theme") or "(no manifest)",
        capture=capture,
        rules=_rules(folder, stock, name),
        settings=_json(folder / f"{name}.settings.yaml"),
        hosts=_hosts(folder / f"{name}.hosts"),
        expected=tuple(json.loads(line) for line in lines) if ok else None,
        text=text.read_text() if text.exists() else None,
        suggested_output=row.get("suggested_output") == "yes",
    )


def _rules(folder: Path, stock: Path, name: str) -> tuple[Path, ...]:
    listed = folder / f"{name}.rules.txt"
    if listed.exists():
        names = listed.read_text().split()
        return tuple(folder / item if (folder / item).exists() else stock / item for item in names)
    numbered = sorted(folder.glob(f"{name}.rules[0-9]*.yaml"), key=lambda path: int(path.suffixes[-2][6:]))
    return tuple(numbered) or (folder / f"{name}.rules.yaml",)


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _hosts(path: Path) -> dict[bytes, tuple[str, ...]]:
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {ip_address(address).packed: tuple(names) for address, *names in lines}
