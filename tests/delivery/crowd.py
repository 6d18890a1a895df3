"""Every sink at once, each with a queue in memory and with a spool, before real far ends, with the records that arrive
there.

A far end can be `down`; a sink for which there is no such state is never down. The proof is the receiver's own: of each
sink and epoch every number has arrived, or lies in a range that an `Alerts dropped` has announced, and in no other.
"""

import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.support.exchange import exchange
from tests.support.journald import Journal
from tests.support.kafka.cluster import Cluster
from tests.support.kafka.console import create, end_of
from tests.support.kafka.java import run
from tests.support.ports import free_port
from tests.support.rsyslog import Rsyslog
from tests.support.tcp_relay import TcpRelay

Json = dict[str, Any]
KINDS = ("stdout", "file", "program", "far_end", "syslog", "webhook", "journald", "kafka")
_STRUCTURED = re.compile(r'\[mozu@32473 .*?rule="(.*?)".*?sink="(.*?)" epoch="(.*?)" sequence="(\d+)"')


class Arrived(NamedTuple):
    """A record at the far end of a sink."""

    epoch: str
    number: int
    rule: str
    about: str = ""
    """Sink that dropped, in an `Alerts dropped`; else empty."""
    dropped: str = ""
    """Dropped numbers in an `Alerts dropped`, such as `3-7,9`; else empty."""


def arrived(document: Json) -> Arrived:
    """Return the record of a document of `format: json`."""
    stamp, rule = document["mozu"], document["rule"]
    fields = document["output_fields"] if rule == "Alerts dropped" else {}
    return Arrived(stamp["epoch"], stamp["sequence"], rule, fields.get("sink", ""), fields.get("numbers", ""))


class FarEnd(Protocol):
    """The far end of the sinks of one kind, which it distinguishes by their ids."""

    def settings(self, sink: str) -> Json:
        """Return the settings of one of the sinks."""

    def down(self) -> None:
        """Take nothing, until `up`."""

    def up(self) -> None:
        """Take everything."""

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records that have come from this sink, in order."""

    def has_ended(self, sink: str) -> bool:
        """Return True if the source's last alert has come from this sink. Called again and again: must be as cheap as
        possible."""


class Lines:
    """Files of JSON lines: of the sinks `file`, `program`, `far_end`, and of the standard output."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind, self._down = folder, kind, folder / f"{kind}.down"

    def path(self, sink: str) -> Path:
        """Return the file with the sink's lines."""
        return self._folder / f"{sink}.jsonl"

    def settings(self, sink: str) -> Json:
        """Return the settings of a sink.

        A program is never down: a pipe has no acknowledgement, and an ended program loses what it has not read.
        """
        path = str(self.path(sink))
        if self._kind == "program":
            return {"command": ["/bin/sh", "-c", f"exec cat >> '{path}'"], "timeout": 60}
        if self._kind == "file":
            return {"path": path, "rotate": {"size": 0}}  # the file of a full run exceeds the default limit
        return {"path": path, **({"down": str(self._down)} if self._kind == "far_end" else {})}

    def down(self) -> None:
        """Put a directory in the place of the file of the sink `file`; create the file that `far_end` takes as its
        sign."""
        if self._kind == "file":
            for path in (self.path("file"), self.path("file-spooled")):
                path.with_suffix(".away").mkdir()
                path.touch()
                exchange(path, path.with_suffix(".away"))
        self._down.touch()

    def up(self) -> None:
        """Take everything again."""
        if self._kind == "file":
            for path in (self.path("file"), self.path("file-spooled")):
                exchange(path, path.with_suffix(".away"))
                path.with_suffix(".away").rmdir()
        self._down.unlink()

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records of whole lines."""
        with suppress(FileNotFoundError):
            for line in self.path(sink).read_bytes().split(b"\n")[:-1]:
                yield arrived(json.loads(line))

    def has_ended(self, sink: str) -> bool:
        """Return True if the file has the last alert as `format: json` writes it."""
        return b'"rule":"the end"' in (self.path(sink).read_bytes() if self.path(sink).is_file() else b"")


class Syslogd:
    """A real rsyslogd over TCP, behind a relay; while `down`, the relay takes no connection."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._daemon = Rsyslog(folder)
        self._daemon.start()
        stack.callback(self._daemon.stop)
        self._relay = TcpRelay(free_port(socket.SOCK_STREAM), self._daemon.tcp)
        self._relay.open()
        stack.callback(self._relay.close)

    def settings(self, sink: str) -> Json:
        """Return the settings of a sink; rsyslogd takes 64 KiB."""
        return {"transport": "tcp", "host": "127.0.0.1", "port": self._relay.port, "max_size": 32_768, "timeout": 2}

    def down(self) -> None:
        """Close the relay once what was sent has arrived: syslog has no acknowledgement, and a stopped daemon loses
        what it has not read."""
        self._relay.close()

    def up(self) -> None:
        """Take connections again."""
        self._relay.open()

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records from the structured data, since long messages are truncated."""
        for message in self._daemon.received():
            found = _STRUCTURED.search(message["raw"])
            if found is None or found[2] != sink:
                continue
            about: Arrived | None = None
            if found[1] == "Alerts dropped":
                about = arrived(json.loads(message["msg"].removeprefix("\ufeff")))
            yield about or Arrived(found[3], int(found[4]), found[1])

    def has_ended(self, sink: str) -> bool:
        """Return True if one of the messages is the last alert."""
        return any(one.rule == "the end" for one in self.arrived(sink))


class Webhooks:
    """A real HTTP server; while `down`, it answers 503."""

    def __init__(self, stack: ExitStack) -> None:
        bodies: list[tuple[str, bytes]] = []
        self._bodies, self._down = bodies, threading.Event()
        down = self._down

        class Keeper(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_down = down.is_set()  # read once: the state may change now
                if not is_down:
                    bodies.append((self.path, body))
                self.send_response(503 if is_down else 204)
                if is_down:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        stack.callback(self._server.server_close)
        stack.callback(self._server.shutdown)

    def settings(self, sink: str) -> Json:
        """Return the settings of a sink: its own path, and a circuit that closes soon."""
        url = f"http://127.0.0.1:{self._server.server_port}/{sink}"
        return {"url": url, "allow_private": True, "batch": "ndjson", "circuit_seconds": 0.2}

    def down(self) -> None:
        """Answer with 503."""
        self._down.set()

    def up(self) -> None:
        """Accept requests again."""
        self._down.clear()

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records line by line of each body."""
        for path, body in self._bodies:
            if path == f"/{sink}":
                yield from (arrived(json.loads(line)) for line in body.splitlines())

    def has_ended(self, sink: str) -> bool:
        """Return True if one of the bodies has the last alert."""
        return any(path == f"/{sink}" and b'"rule":"the end"' in body for path, body in self._bodies)


class Journals:
    """A real systemd-journald; while `down`, its socket is in another place."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._journal = Journal(folder)
        self._journal.start()
        stack.callback(self._journal.stop)
        self._away = self._journal.socket.with_name("away")

    def settings(self, sink: str) -> Json:
        """Return the path of the socket."""
        return {"path": str(self._journal.socket)}

    def down(self) -> None:
        """Move the socket away, so that nothing listens in its place."""
        self._journal.socket.rename(self._away)

    def up(self) -> None:
        """Move the socket back."""
        self._away.rename(self._journal.socket)

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records by the fields of the journal."""
        for one in self._journal.records(f"MOZU_SINK={sink}"):
            rule = one["MOZU_RULE"] if isinstance(one["MOZU_RULE"], str) else ""
            if rule == "Alerts dropped":
                yield arrived(json.loads(one["MESSAGE"]))
            else:
                yield Arrived(one["MOZU_EPOCH"], int(one["MOZU_SEQUENCE"]), rule)

    def has_ended(self, sink: str) -> bool:
        """Return True if journald's index has the last alert."""
        return bool(self._journal.records(f"MOZU_SINK={sink}", "MOZU_RULE=the end"))


class Topics:
    """A real Kafka; while `down`, the broker is stopped by a signal and answers nothing."""

    def __init__(self, kafka: Cluster, name: str) -> None:
        self._kafka, self._topic = kafka, name
        create(kafka, name, partitions=1)
        self._messages: list[Json] = []

    def settings(self, sink: str) -> Json:
        """Return the settings of a sink; all share a topic."""
        return {"bootstrap_servers": self._kafka.servers, "topic": self._topic, "timeout": 3}

    def down(self) -> None:
        """Stop the broker by SIGSTOP."""
        self._kafka.brokers[0].pause()

    def up(self) -> None:
        """Continue the broker by SIGCONT."""
        self._kafka.brokers[0].resume()

    def arrived(self, sink: str) -> Iterator[Arrived]:
        """Yield the records of the topic, which is read once, at the end; values only, since a header may hold line
        ends."""
        if not self._messages:
            count = end_of(self._kafka, self._topic)
            out = run(
                "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self._kafka.servers[0],
                "--topic", self._topic, "--from-beginning", "--timeout-ms", "60000", "--max-messages", str(count),
            )  # fmt: skip
            self._messages = [json.loads(line) for line in out.split("\n") if line.startswith("{")]
        yield from (arrived(one) for one in self._messages if one["mozu"]["sink"] == sink)

    def has_ended(self, sink: str) -> bool:
        """Return True: the topic is read once, when all is over."""
        return True


class Crowd:
    """Sinks of every kind with their far ends: `entries` for a configuration, `down` and `up` for all far ends, `prove`
    at the end."""

    def __init__(self, folder: Path, ends: dict[str, FarEnd], *, memory: bool, spooled: bool) -> None:
        self._ends, self._folder = ends, folder
        self.spools = folder / "spools"
        """Folder of the spools."""
        self.sinks = {
            f"{kind}{ending}": kind
            for kind in ends
            for ending in (
                *(("",) if memory or kind == "stdout" else ()), *(("-spooled",) if spooled and kind != "stdout" else ())
            )
        }

    def entries(self, **more: Any) -> list[Json]:
        """Return the entries of all sinks; `more` are settings of each spool."""
        found = []
        for sink, kind in self.sinks.items():
            common: Json = {"id": sink, "format": "json", "retry": {"longest": 0.3}, "queue": {"bytes": 16 << 20}}
            if sink.endswith("-spooled"):
                common["spool"] = {"path": str(self.spools / f"{sink}.db"), **more}
            found.append({kind: {**({} if kind == "stdout" else self._ends[kind].settings(sink)), **common}})
        return found

    def down(self) -> None:
        """Take down all far ends but the standard output."""
        for kind, end in self._ends.items():
            if kind != "stdout":
                end.down()

    def up(self) -> None:
        """Bring up all far ends."""
        for kind, end in self._ends.items():
            if kind != "stdout":
                end.up()

    def backlog(self, sink: str) -> int:
        """Return the count of alerts in a spool, as another process sees it; 1 for a damaged spool."""
        path = self.spools / f"{sink}.db"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
                return int(db.execute("SELECT count(*) FROM alerts").fetchone()[0])
        except sqlite3.DatabaseError:
            return 1

    def is_empty(self) -> bool:
        """Return True if nothing waits in any spool."""
        return not any(map(self.backlog, self._spooled()))

    def is_drained(self) -> bool:
        """Return True if the spools are empty and the last alert of the source has come out of each."""
        return self.is_empty() and all(map(self.has_ended, self._spooled()))

    def describe(self) -> str:
        """Return a text with the contents of each spool, and the sinks that have not delivered the last alert of the
        source."""
        waiting = {sink: self.backlog(sink) for sink in self._spooled()}
        return f"in spools {waiting}, without the end {[sink for sink in self.sinks if not self.has_ended(sink)]}"

    def _spooled(self) -> list[str]:
        return [sink for sink in self.sinks if sink.endswith("-spooled")]

    def has_ended(self, sink: str) -> bool:
        """Return True if the last alert of the source has come out of this sink."""
        return self._ends[self.sinks[sink]].has_ended(sink)

    def arrived(self, sink: str) -> list[Arrived]:
        """Return the records at the far end of a sink."""
        return list(self._ends[self.sinks[sink]].arrived(sink))


@contextmanager
def crowd(
    folder: Path, kafka: Cluster | None, *, kinds: tuple[str, ...] = KINDS, memory: bool = True, spooled: bool = True
) -> Iterator[Crowd]:
    """Yield the far ends, which run until the block ends."""
    with ExitStack() as stack:
        ends: dict[str, FarEnd] = {}
        for kind in kinds:
            place = folder / kind
            place.mkdir()
            if kind == "syslog":
                ends[kind] = Syslogd(place, stack)
            elif kind == "webhook":
                ends[kind] = Webhooks(stack)
            elif kind == "journald":
                ends[kind] = Journals(place, stack)
            elif kind == "kafka":
                if kafka is not None:
                    ends[kind] = Topics(kafka, f"chaos.{folder.name}")
            else:
                ends[kind] = Lines(place, kind)
        made = Crowd(folder, ends, memory=memory, spooled=spooled)
        made.spools.mkdir()
        yield made


def numbers(ranges: str) -> set[int]:
    """Return the numbers of ranges such as `3-7,9`."""
    found: set[int] = set()
    for one in ranges.split(",") if ranges else ():
        first, _, last = one.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def prove(sink: str, records: list[Arrived], statistics: Json) -> Json:
    """Prove completeness from the arrived records alone, then against mozu's counts; return the findings.

    Raises AssertionError.
    """
    counted = statistics["sinks"][sink]
    by_epoch: dict[str, set[int]] = {}
    announced: set[int] = set()
    for one in records:
        by_epoch.setdefault(one.epoch, set()).add(one.number)
        if one.about == sink:
            announced |= numbers(one.dropped)
    assert len(by_epoch) == 1, f"{sink}: epochs {sorted(by_epoch)}"
    (seen,) = by_epoch.values()
    last = max(seen)
    missing = set(range(1, last + 1)) - seen
    assert missing == announced, (
        f"{sink}: not announced {sorted(missing - announced)[:20]}, "
        f"announced and there {sorted(announced - missing)[:20]}, {counted}"
    )
    late = counted["spooled"] + counted["queued"] + counted["dropped"].get("stop deadline", 0)
    assert last >= counted["accepted"] - late, f"{sink}: the last of {counted['accepted']} is {last}: {counted}"
    left = counted["dead_lettered"] + sum(counted["dropped"].values()) + counted["spooled"] + counted["queued"]
    assert 0 == counted["accepted"] + counted["found"] - counted["delivered"] - left, f"{sink}: unaccounted: {counted}"
    return {"sink": sink, "arrived": len(seen), "announced": len(announced), "again": len(records) - len(seen)}


