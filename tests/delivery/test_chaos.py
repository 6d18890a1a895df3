"""Chaos for every sink at once, with a queue in memory and with a spool, beside eBPF: mozu lives, and the receiver can
prove which alerts are missing."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.crowd import crowd
from tests.delivery.daemon import MARKER, daemon
from tests.support.kafka.cluster import Cluster, cluster
from tests.support.requirements import ebpf, program
from tests.support.starvation import SLOWER

FULL = os.environ.get("MOZU_CHAOS") == "full"
TOTAL = 20_000 if FULL else 1_500

pytestmark = [pytest.mark.ebpf, pytest.mark.kafka, pytest.mark.timeout(SLOWER * (1800 if FULL else 300))]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    ebpf()
    with cluster(tmp_path_factory.mktemp("kafka")) as made:
        yield made


@contextmanager
def opens() -> Iterator[Callable[[], None]]:
    """Open files for eBPF to see, until the yielded function is called: spools that stay busy may never be seen
    empty."""
    end = threading.Event()

    def work() -> None:
        while not end.wait(0.01):
            os.close(os.open(MARKER, os.O_RDONLY))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield end.set
    finally:
        end.set()
        thread.join()


def extreme_posts() -> Iterator[bytes]:
    """Yield bodies of requests, each with one field at its extreme."""
    plain: dict[str, Any] = {"rule": "posted", "priority": "Warning", "output": "x", "time": "2025-01-01T00:00:00Z"}
    extremes: dict[str, list[Any]] = {
        "time": ["2600-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "", -1, 2**64],
        "rule": ["", "\0", "\ud800", "\u202e\u2066", "x" * 300_000, "\r\nX: y", 7, None, ["a"]],
        "priority": ["", "No such", 99, None],
        "source": ["internal", "\ud800", "x" * 100_000, 7],
        "hostname": ["\u202e", "\0", "x" * 100_000, 7],
        "output": ["", "\x1b[2J\x07", "\ud800" * 1000, "x" * 900_000],
        "uuid": ["\r\nX: y", "\ud800", "x" * 300_000, 7],
        "tags": [["\0", "x" * 100_000], [7], "a", None],
        "output_fields": [{"a": 1e308, "b": 2**64, "c": -(2**63)}, {"k" * 100_000: "\0"}, {"a": [[[[]]]]}, [], None],
    }
    for name, values in extremes.items():
        yield from (json.dumps({**plain, name: value}).encode() for value in values)
    yield b'{"output_fields": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield b'{"rule": "a", "output": 1e999}'
    yield b"\xff\xfe" * 1000
    yield b"{" * 10_000


def post(port: int, body: bytes) -> int:
    """Post a body; return the status of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/", body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_poison_stops_nothing_at_any_sink(tmp_path: Path, kafka: Cluster) -> None:
    with (
        crowd(tmp_path, kafka) as sinks,
        opens() as end_opens,
        daemon(tmp_path, sinks, falco_http={}, total=TOTAL, poison=True) as mozu,
    ):
        statuses = [post(mozu.port(), body) for body in extreme_posts()]
        mozu.until_end("stdout")
        end_opens()
        found = mozu.prove()
    assert {200, 400} == set(statuses)
    print(*found, sep="\n")


def corrupt(spool: Path) -> None:
    """Overwrite pages in the middle of the database and of its log."""
    for path in (spool, spool.with_name(f"{spool.name}-wal")):
        size = path.stat().st_size
        with path.open("r+b") as file:
            for at in range(size // 2 // 4096 * 4096, size // 2 // 4096 * 4096 + 5 * 4096, 4096):
                file.seek(at)
                file.write(b"\xff" * 4096)


def delete(spool: Path) -> None:
    """Delete the spool with its log."""
    for suffix in ("", "-wal", "-shm", ".owed"):
        spool.with_name(spool.name + suffix).unlink(missing_ok=True)


@pytest.mark.parametrize("harm", [corrupt, delete])
def test_a_spool_that_is_harmed_while_running_loses_nothing_that_is_not_announced(
    tmp_path: Path, kafka: Cluster, harm: Callable[[Path], None]
) -> None:
    """Every spool is harmed while its far end is down and a backlog waits that is larger than what is kept in
    memory."""
    with (
        crowd(tmp_path, kafka, memory=False) as sinks,
        opens() as end_opens,
        daemon(tmp_path, sinks, total=4 * TOTAL, size=1_500, batch=100, pause=0.02) as mozu,
    ):
        mozu.wait(lambda: any(one.number > 50 for one in sinks.arrived("file-spooled")), "alerts arrive")
        sinks.down()
        mozu.wait(lambda: sinks.backlog("file-spooled") > 3 * TOTAL, "a backlog")
        for spool in sorted(sinks.spools.glob("*.db")):
            harm(spool)
        time.sleep(2)  # alerts go on coming
        sinks.up()
        mozu.until_end("stdout")
        end_opens()
        found = mozu.prove([sink for sink in sinks.sinks if sink != "stdout"])
    print(*found, sep="\n")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[tuple[Path, Path]]:
    """Yield a mounted private ext4, and the file that makes it read-only as an error of the disk does."""
    image, place = folder / "image", folder / "spools"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run([program("mkfs.ext4"), "-q", str(image)], check=True)
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(image), str(place)], check=True)
    try:
        found = subprocess.run(["findmnt", "-no", "SOURCE", place], capture_output=True, text=True, check=True)
        yield place, Path("/sys/fs/ext4") / Path(found.stdout.strip()).name / "trigger_fs_error"
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_costs_what_is_announced(tmp_path: Path, kafka: Cluster) -> None:
    """The spools of all sinks share the disk, and every far end is down.

    The last alert comes once the disk has space again: every sink is to deliver it, and a full disk refuses alerts of
    every severity.
    """
    room = tmp_path / "room"
    with (
        crowd(tmp_path, kafka, memory=False) as sinks,
        opens() as end_opens,
        small_disk(tmp_path, 6 * len(sinks.sinks) + 8) as (place, _),
        daemon(tmp_path, sinks, total=2 * TOTAL, size=3_000, batch=100, pause=0.02, end_with=str(room)) as mozu,
    ):
        sinks.down()
        mozu.wait(lambda: os.statvfs(place).f_bavail < 64, "a full disk")
        time.sleep(1)  # alerts go on coming
        sinks.up()
        mozu.wait(sinks.is_empty, "empty spools")
        room.touch()
        mozu.until_end("stdout")
        end_opens()
        found = mozu.prove([sink for sink in sinks.sinks if sink != "stdout"])
    assert any(one["announced"] for one in found), "the disk took them all"
    print(*found, sep="\n")


def test_a_read_only_disk_ends_nothing_and_its_loss_is_counted(tmp_path: Path, kafka: Cluster) -> None:
    with (
        crowd(tmp_path, kafka, memory=False) as sinks,
        opens(),
        small_disk(tmp_path, 8 * len(sinks.sinks) + 16) as (_, error),
        daemon(tmp_path, sinks, total=TOTAL) as mozu,
    ):
        mozu.wait(lambda: any(one.number > 50 for one in sinks.arrived("file-spooled")), "alerts arrive")
        error.write_text("chaos")
        mozu.until_end("stdout")
        statistics = mozu.finish()
    for sink, counted in statistics["sinks"].items():
        print(sink, counted)
        left = counted["dead_lettered"] + sum(counted["dropped"].values()) + counted["spooled"] + counted["queued"]
        assert 0 == counted["accepted"] + counted["found"] - counted["delivered"] - left, f"{sink}: {counted}"
        assert set(counted["dropped"]) <= {"spool unwritable"}, f"{sink}: {counted}"
    reported = [one.rule for one in sinks.arrived("stdout")].count("Spool damaged")
    assert len(sinks.sinks) - 1 == reported, "a sink that has no spool learns of each that cannot be written"


def half_open(port: int, count: int) -> list[socket.socket]:
    """Connect clients that send the beginning of a request, and then a byte now and again."""
    made = []
    for _ in range(count):
        with suppress(OSError):
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-")
            made.append(one)
    return made


def test_half_open_and_slow_clients_keep_no_alert_out(tmp_path: Path, kafka: Cluster) -> None:
    """Have 1,100 clients, at a limit of 1,024 descriptors, while every sink has to reconnect."""
    limit = ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh"]
    with (
        crowd(tmp_path, kafka) as sinks,
        opens() as end_opens,
        daemon(tmp_path, sinks, falco_http={"read_timeout": 2}, total=TOTAL, before=limit) as mozu,
    ):
        port = mozu.port()
        clients = half_open(port, 1_100)
        sinks.down()
        time.sleep(0.5)
        sinks.up()
        body = json.dumps({"rule": "posted", "priority": "Warning", "output": "x", "time": "2025-01-01T00:00:00Z"})
        statuses = []
        for number in range(50):
            for one in clients[number::50]:
                with suppress(OSError):
                    one.send(b"a")
            statuses.append(post(port, body.encode()))
        mozu.until_end("stdout")
        end_opens()
        found = mozu.prove()
        for one in clients:
            one.close()
    assert [200] * 50 == statuses
    print(*found, sep="\n")


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_descriptors_change_nothing(tmp_path: Path, closed: str) -> None:
    ebpf()
    kinds = ("file", "program", "far_end")
    with (
        crowd(tmp_path, None, kinds=kinds) as sinks,
        opens() as end_opens,
        daemon(tmp_path, sinks, total=200, before=["sh", "-c", f'exec "$@" {closed}', "sh"]) as mozu,
    ):
        mozu.until_end("file")
        end_opens()
        found = mozu.prove()
    print(*found, sep="\n")
