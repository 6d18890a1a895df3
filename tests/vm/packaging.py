"""Steps in a virtual machine: the package is installed, upgraded, removed."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.vm import unattended
from tests.vm.service import (
    CONFIGURATION,
    HERE,
    PATIENCE,
    RULES,
    Failed,
    alerts,
    configured,
    programs,
    run,
    said_in_this_boot,
    until,
    watching,
)

BACKLOG: Final = 1000
"""Number of alerts that wait while mozu is upgraded."""
_PORT: Final = 9099
_KEPT: Final = ("/etc/mozu/mozu.yaml", "/etc/mozu/rules.enabled", "/var/lib/mozu", "/var/log/mozu")
_PURGED: Final = ("/etc/mozu", "/var/lib/mozu", "/var/log/mozu")
_OPENED: Final = """
- rule: Backlog
  desc: An alert that waits for a destination that is not there.
  condition: evt.type in (open, openat) and fd.name startswith /root/vm/backlog/
  output: "%fd.name"
  priority: NOTICE
"""
_AWAY: Final = f"""
sinks:
  - webhook:
      url: http://127.0.0.1:{_PORT}/
      batch: ndjson
      format: json
      allow_private: true
      spool: true
      retry: {{first: 0.2, longest: 1}}
"""


_NEW_FAMILY: Final = "50-network.yaml"
"""File of a family of rules that is removed from the package before the upgrade."""
_USED_FAMILY: Final = "42-reads.yaml"
_SHARED: Final = Path("/usr/share/mozu/rules")
_ENABLED: Final = Path("/etc/mozu/rules.enabled")
_OWN_RULES: Final = Path("/etc/mozu/rules.d")


def package(version: str) -> str:
    """Return the file of the package `new` or `previous`."""
    return str(HERE / f"{version}.deb")


def version() -> str:
    """Return the version of the installed package."""
    return run("dpkg-query", "--show", "--showformat=${Version}", "mozu")


def install(which: str = "new") -> dict[str, Any]:
    """Install the package by its one command."""
    start = time.monotonic()
    run("apt-get", "install", "--yes", package(which))
    seconds = time.monotonic() - start
    watching()
    if (enabled := run("systemctl", "is-enabled", "mozu.service")) != "enabled\n":
        raise Failed(f"mozu.service is {enabled}, expected enabled")
    return {"version": version(), "seconds": round(seconds, 1), "programs": programs()}


def upgrade() -> dict[str, Any]:
    """Upgrade while alerts wait for a destination that is not there: all of them arrive afterwards. The new package
    brings a family of rules, which apt's output and the log name.
    """
    before = version()
    _lose_a_family()
    configured(_AWAY, _OPENED)
    place = HERE / "backlog"
    place.mkdir()
    names = {str(place / str(number)) for number in range(BACKLOG)}
    for name in sorted(names):
        Path(name).touch()
    until("they are in the journal", lambda: len(alerts("Backlog")) >= BACKLOG)
    until("they wait in the spool", lambda: _waiting() >= BACKLOG)
    start = time.monotonic()
    said = run("apt-get", "install", "--yes", package("new"))
    seconds = time.monotonic() - start
    watching()
    named = _named_family(said)
    with subprocess.Popen(
        ["timeout", str(PATIENCE), sys.executable, "-m", "tests.vm.receiver", str(_PORT)],
        stdout=subprocess.PIPE, text=True,
    ) as receiver:  # fmt: skip
        assert receiver.stdout is not None
        arrived: list[dict[str, Any]] = []
        missing, reported = set(names), dict[str, str]()
        try:
            for line in receiver.stdout:
                arrived.append(one := json.loads(line))
                missing.discard(one["output_fields"].get("fd.name"))
                if one["rule"] == "mozu stopped" or "mozu stopped" in reported:
                    reported.setdefault(one["rule"], one["output"])
                if not missing and "mozu started" in reported:
                    break
        finally:
            receiver.terminate()
    if missing:
        raise Failed(f"{len(missing)} of {BACKLOG} alerts did not arrive after the upgrade, {min(missing)} is one")
    if "mozu started" not in reported:
        raise Failed(f"the restart was not reported: {sorted(reported)}")
    opened = [one["output_fields"]["fd.name"] for one in arrived if one["rule"] == "Backlog"]
    CONFIGURATION.unlink()
    RULES.unlink()
    return {
        "from": before, "to": version(), "seconds": round(seconds, 1), "arrived": len(set(opened)),
        "twice": len(opened) - len(set(opened)), "reported": [reported["mozu stopped"], reported["mozu started"]],
        "new rules": named,
    }  # fmt: skip


def _lose_a_family() -> None:
    """Leave the files that a package without one of today's families leaves; mozu runs with another family."""
    (_SHARED / _NEW_FAMILY).unlink()
    (_ENABLED / _NEW_FAMILY).unlink()
    known = _ENABLED / ".known"
    known.write_text("".join(f"{one}\n" for one in known.read_text().split() if one != _NEW_FAMILY))
    for name in ("00-words.yaml", _USED_FAMILY):
        (_OWN_RULES / name).symlink_to(_SHARED / name)


def _named_family(said: str) -> list[str]:
    """Return the lines of apt's output and of the log that name the new family, which is installed and not enabled."""
    if (_ENABLED / _NEW_FAMILY).exists() or not (_SHARED / _NEW_FAMILY).exists():
        raise Failed(f"{_NEW_FAMILY} is enabled by the upgrade, or not installed")
    by_apt = next((line for line in said.splitlines() if line.startswith(f"mozu:   {_NEW_FAMILY}: ")), None)
    if by_apt is None or "new rules came with this version and are not switched on" not in said:
        raise Failed(f"apt's output does not name {_NEW_FAMILY}: {said[-1000:]}")
    by_log = [line for line in said_in_this_boot() if _NEW_FAMILY.removesuffix(".yaml") in line]
    if not any("installed and not among `rules`" in line for line in by_log):
        raise Failed(f"the log does not name {_NEW_FAMILY}: {said_in_this_boot()[-20:]}")
    for name in ("00-words.yaml", _USED_FAMILY):
        (_OWN_RULES / name).unlink()
    return [by_apt, by_log[-1]]


def _waiting() -> int:
    rows = json.loads(run("/usr/bin/mozu", "spool", "status", "--json"))
    return int(next(row["waiting"] for row in rows if row["sink"] == "webhook"))


def remove() -> dict[str, Any]:
    """Remove the package by apt, which keeps configuration and state and reports that. Acts without mozu (`unattended`)
    end.
    """
    pinned = len(unattended.pins())
    said = run("apt-get", "remove", "--yes", "mozu")
    gone = [place for place in _KEPT if not Path(place).exists()]
    if gone or Path("/usr/lib/mozu").exists():
        raise Failed(f"removal took away {gone} or left /usr/lib/mozu")
    if run("systemctl", "is-active", "mozu.service", check=False) == "active\n":
        raise Failed("mozu still runs")
    return {"said": _said(said, "stay; purge removes them"), **unattended.removed(pinned)}


def purge() -> dict[str, Any]:
    """Purge the package by apt, which removes configuration and state and reports that."""
    said = run("apt-get", "purge", "--yes", "mozu")
    if left := [place for place in _PURGED if Path(place).exists()]:
        raise Failed(f"purge left {left}")
    return {"said": _said(said, "removing /etc/mozu, /var/lib/mozu")}


def _said(output: str, words: str) -> str:
    line = next((line for line in output.splitlines() if line.startswith("mozu: ") and words in line), None)
    if line is None:
        raise Failed(f"nothing was said of what is kept or removed: {output[-1000:]}")
    return line


def install_rpm() -> dict[str, Any]:
    """Install the .rpm by rpm, whose database has no package of Debian's."""
    run("rpm", "--install", "--nodeps", str(HERE / "new.rpm"))
    if (enabled := run("systemctl", "is-enabled", "mozu.service", check=False)) != "enabled\n":
        raise Failed(f"mozu.service is {enabled}, expected enabled, as Debian's presets say")
    run("systemctl", "start", "mozu.service")
    watching()
    return {"version": run("rpm", "--query", "mozu").strip()}


def remove_rpm() -> dict[str, Any]:
    """Remove the .rpm, which keeps the state and reports that. Acts without mozu (`unattended`) end."""
    pinned = len(unattended.pins())
    said = run("rpm", "--erase", "mozu")
    if not Path("/var/lib/mozu").exists() or Path("/usr/lib/mozu").exists():
        raise Failed("removal took away /var/lib/mozu or left /usr/lib/mozu")
    return {"said": _said(said, "alerts that wait"), **unattended.removed(pinned)}
