"""`mozu top`: shows the rates of a run by type, rule, sink and container, again and again."""

import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Final

import click

from mozu.core.cli import options
from mozu.core.cli.status import screen as status_screen
from mozu.core.cli.terminal import safe, table
from mozu.core.runtime.configure import configure
from mozu.core.runtime.operations.client import ask, parsed
from mozu.core.runtime.operations.status_document import RunStatus

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
"""xterm's other screen, without a cursor."""
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H\x1b[2J"
_QUIT: Final = frozenset("qQ\x03\x04")
_PAGE: Final = "/status?containers"
_MOST: Final = 8
"""Rows of rules and of containers."""


@click.command(
    epilog="""\b
Examples:
  mozu top                         the run with /etc/mozu/mozu.yaml, every second; q ends it
  mozu top --interval 5
  mozu top --count 1               once, over one interval: for scripts and pictures"""
)
@click.option("--interval", type=click.FloatRange(min=0.1), default=1.0, metavar="SECONDS", help="Between two looks.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many screens.")
@options.configuration
@options.verbose
def command(interval: float, count: int | None, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> None:
    """Show what a run does now: event types, rules, sinks and containers by their rates."""
    config, _ = configure(path, overrides)
    http = config.core.http
    before = parsed(ask(http, _PAGE))
    shown = 0
    with _own_screen(sys.stdin.isatty() and sys.stdout.isatty()) as is_own:
        while (count is None or shown < count) and not _quits(interval, is_own=is_own):
            now = parsed(ask(http, _PAGE))
            width, height = shutil.get_terminal_size((120, 50))
            lines = "\n".join(screen(before, now)).split("\n")
            click.echo((_HOME if is_own else "") + "\n".join(line[:width] for line in lines[: height - 1]))
            before, shown = now, shown + 1


def screen(before: RunStatus, now: RunStatus) -> Iterator[str]:
    """Yield lines with the changes per second between two reads, and the present state."""
    seconds = max(0.001, now.statistics.seconds - before.statistics.seconds)
    overview = list(status_screen(now))
    yield from overview[: overview.index("")]
    yield ""
    yield table(("type", "seen/s", "filtered/s", "received/s", "lost/s", "seen"), _types(before, now, seconds))
    yield ""
    yield table(("rule", "matches/s", "matches", "of a CPU"), _rules(before, now, seconds))
    yield ""
    yield table(("sink", "delivered/s", "waiting", "oldest", "dropped", "dead letters"), _sinks(before, now, seconds))
    containers = _containers(before, now, seconds)
    if containers:
        yield ""
        yield table(("container", "name", "events/s"), containers)
    enrichers = _enrichers(before, now, seconds)
    if enrichers:
        yield ""
        yield table(("containers by", "known", "looked up/s", "looked up"), enrichers)


def _types(before: RunStatus, now: RunStatus, seconds: float) -> list[list[str]]:
    """Return the types with the most events since the last read."""
    rows: list[tuple[float, list[str]]] = []
    for name, source in now.statistics.sources.items():
        older = before.statistics.sources.get(name)
        for kind, count in source.types.items():
            last = older.types.get(kind) if older is not None else None
            pairs = [
                (count.seen, last.seen if last else 0),
                (count.filtered, last.filtered if last else 0),
                (count.received, last.received if last else 0),
                (count.lost, last.lost if last else 0),
            ]
            rates = [(new - old) / seconds for new, old in pairs]
            if count.seen:
                rows.append((rates[0], [kind, *map(_rate, rates), f"{count.seen:,}"]))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])[:12]]


def _rules(before: RunStatus, now: RunStatus, seconds: float) -> list[list[str]]:
    """Return the rules that match most, and those that take most time: on average since the start, since time is
    measured on a sample."""
    old, new = (_sums(status, "rule_matches_total", "rule") for status in (before, now))
    times = _sums(now, "rule_seconds_total", "rule")
    matched = sorted(((new[rule] - old.get(rule, 0.0), new[rule], rule) for rule in new if new[rule]), reverse=True)
    shown = [rule for _, _, rule in matched[: _MOST // 2]]
    slow = sorted(((taken, rule) for rule, taken in times.items() if taken and rule not in shown), reverse=True)
    shown += [rule for _, rule in slow[: _MOST - len(shown)]]
    whole = max(0.001, now.statistics.seconds)
    return [
        [
            safe(rule),
            _rate((new.get(rule, 0.0) - old.get(rule, 0.0)) / seconds),
            f"{new.get(rule, 0.0):,.0f}",
            f"{times[rule] / whole:.3%}" if rule in times else "",
        ]
        for rule in shown
    ]


def _sums(status: RunStatus, metric: str, label: str) -> dict[str, float]:
    """Return value of a label → sum of its series."""
    found: dict[str, float] = {}
    for one in status.statistics.metrics:
        if one.name == metric:
            name = one.labels.get(label, "")
            found[name] = found.get(name, 0.0) + one.value
    return found


def _containers(before: RunStatus, now: RunStatus, seconds: float) -> list[list[str]]:
    """Return the containers with the most events since the last read."""
    rows: list[tuple[float, str, str]] = []
    for source, found in now.containers.items():
        older = before.containers.get(source, {})
        for identity, one in found.items():
            more = one.events - (older[identity].events if identity in older else 0)
            if more > 0:
                rows.append((more / seconds, identity, one.name))
    return [[identity, safe(name), _rate(rate)] for rate, identity, name in sorted(rows, reverse=True)[:_MOST]]


def _enrichers(before: RunStatus, now: RunStatus, seconds: float) -> list[list[str]]:
    """Return a row for each enricher: how many containers it knows, and how many are looked up."""
    old, new = (_sums(status, "container_lookups_total", "id") for status in (before, now))
    rows = []
    for name, known in _sums(now, "containers", "id").items():
        looked_up = new.get(name, 0.0)
        rows.append([name, f"{known:,.0f}", _rate((looked_up - old.get(name, 0.0)) / seconds), f"{looked_up:,.0f}"])
    return rows


def _sinks(before: RunStatus, now: RunStatus, seconds: float) -> list[list[str]]:
    rows = []
    ages = _sums(now, "spool_oldest_seconds", "id")
    for name, sink in now.statistics.sinks.items():
        older = before.statistics.sinks.get(name)
        rate = (sink.delivered - (older.delivered if older is not None else 0)) / seconds
        dropped = sum(sink.dropped.values())
        oldest = f"{ages[name]:.0f} s" if ages.get(name) else ""
        rows.append([name, _rate(rate), f"{sink.waiting:,}", oldest, f"{dropped:,}", f"{sink.dead_letters:,}"])
    return rows


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


@contextmanager
def _own_screen(is_terminal: bool) -> Iterator[bool]:
    """Show the terminal's alternate screen with unbuffered keys, and restore the terminal afterwards."""
    if not is_terminal:
        yield False
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    sys.stdout.write(_ENTER)
    try:
        tty.setcbreak(descriptor)
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _quits(seconds: float, *, is_own: bool) -> bool:
    """Wait for the next read; return True if the key that quits was pressed."""
    if not is_own:
        time.sleep(seconds)  # between two pictures
        return False
    ready, _, _ = select([sys.stdin], [], [], seconds)
    return bool(ready) and sys.stdin.read(1) in _QUIT
