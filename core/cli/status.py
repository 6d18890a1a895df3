"""`mozu status`: one screen about the run that uses a configuration, and an exit code for scripts."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from mozu.core.cli import options
from mozu.core.cli.terminal import safe, table
from mozu.core.runtime.configure import configure
from mozu.core.runtime.operations.client import ask, parsed
from mozu.core.runtime.operations.status_document import RunStatus, ShadowStatus, SinkStatus, SourceStatus

_CODES: Final = {"ready": 0, "degraded": 2, "not ready": 3}


@click.command(
    epilog="""\b
Examples:
  mozu status                      the run with /etc/mozu/mozu.yaml
  mozu status -o http.listen=unix:/run/mozu/http.sock
  mozu status --json | jq .status

Exit code 0: ready. 2: degraded, it watches and delivers but not all that was wanted. 3: not ready.
1: no run answers."""
)
@options.configuration
@options.as_json
@options.verbose
def command(path: Path | None, overrides: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Show what a run watches, has lost, has delivered, and what is impaired."""
    config, _ = configure(path, overrides)
    body = ask(config.core.http)
    status = parsed(body)
    click.echo(body.decode().rstrip() if as_json else "\n".join(screen(status)))
    return _CODES.get(status.status, 3)


def screen(status: RunStatus) -> Iterator[str]:
    """Yield the lines for `/status`."""
    numbers, versions = status.statistics, status.versions
    limit = f" of {_mebibytes(numbers.memory.limit)}" if numbers.memory.limit else ""
    yield safe(f"{status.host}: {status.status} (mozu {versions.mozu}, kernel {versions.kernel})")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.started))
    share = numbers.cpu_seconds / numbers.seconds * 100 if numbers.seconds else 0.0
    yield f"since {since}, {share:.1f} % of a CPU on average, {_mebibytes(numbers.memory.resident)}{limit}"
    yield safe(f"rules {versions.rules_digest[:12]}")
    for one in status.findings:
        yield safe(f"! {one.subject}: {one.reason}")
    yield ""
    yield table(_SOURCE_HEADS, [_source(name, one) for name, one in numbers.sources.items()])
    for name, source in numbers.sources.items():
        if source.not_seen:
            yield safe(f"{name} does not see: {', '.join(source.not_seen)}")
    yield ""
    yield table(_SINK_HEADS, [_sink(name, one) for name, one in numbers.sinks.items()])
    yield from _shadow(status.shadow)


_SOURCE_HEADS: Final = ("source", "by", "types", "seen", "filtered", "received", "lost", "dropped", "alerts")
_SINK_HEADS: Final = ("sink", "accepted", "delivered", "waiting", "dropped", "dead letters", "failed deliveries")


def _source(name: str, one: SourceStatus) -> list[str]:
    types = one.types.values()
    sums = (
        len(types),
        sum(kind.seen for kind in types),
        sum(kind.filtered for kind in types),
        sum(kind.received for kind in types),
        sum(kind.lost for kind in types),
        one.dropped,
        one.alerts,
    )
    return [name, one.plugin, *(f"{number:,}" for number in sums)]


def _sink(name: str, one: SinkStatus) -> list[str]:
    dropped = sum(one.dropped.values())
    numbers = (one.accepted, one.delivered, one.waiting, dropped, one.dead_letters, one.failures)
    return [name, *(f"{number:,}" for number in numbers)]


def _shadow(rules: Sequence[ShadowStatus]) -> Iterator[str]:
    """Yield the rules in shadow mode, each with its newest sample below it."""
    if rules:
        yield ""
        yield "rules in shadow mode (their matches raise no alert; `mozu rules promote` ends it)"
    for one in rules:
        yield safe(f"  {one.rule}: {one.matches:,} {'match' if one.matches == 1 else 'matches'}")
        if one.samples:
            newest = one.samples[-1]
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(newest.time / 1e9))
            yield safe(f"    {moment} {newest.output}")


def _mebibytes(number: float) -> str:
    return f"{number / (1 << 20):.0f} MiB"
