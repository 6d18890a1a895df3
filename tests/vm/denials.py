"""Effects of deny rules on opens, execs and connects by every way, with `bpf` among the kernel's security modules. In
the machine, with mozu's Python: `python3 -m tests.vm.denials`. A mozu of its own watches with deny rules; each act is a
child's, and ends with its errno. Prints one line of JSON: the acts, and those that ended otherwise than they should.
"""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.acts import int80, io_uring
from tests.support.acts.raw import call
from tests.vm import denial_price
from tests.vm.datagrams import sends, spliced

SECONDS: Final = 900
"""Seconds that mozu may take to start; the machine is emulated."""
_FASTOPEN: Final = 0x20000000
_OPENS: Final = "evt.type in (open, openat, openat2, creat) and fd.realpath ="
_SENDS: Final = "evt.type in (sendto, sendmsg, sendmmsg)"
_EXECS: Final = "evt.type in (execve, execveat) and evt.res = SUCCESS"
_BUDGET: Final = 3
_NO_SERVER: Final = 9
"""A port of this machine at which no one listens."""
Prices = dict[str, dict[str, float]]


def ended(act: Callable[[], object]) -> int:
    """Return the errno with which a child ends that performs the act; 0 if the call was done."""
    child = os.fork()
    if not child:
        code = 255
        with contextlib.suppress(BaseException):
            try:
                found = act()
                code = -found if isinstance(found, int) and found < 0 else 0
            except OSError as error:
                code = error.errno or 255
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


def _by_handle(path: str) -> int:
    """Open the file by open_by_handle_at(2)."""
    handle, mount = ctypes.create_string_buffer(8 + 128), ctypes.c_int()
    ctypes.c_uint32.from_buffer(handle).value = 128
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.name_to_handle_at(-100, path.encode(), handle, ctypes.byref(mount), 0):
        return 255
    found: int = libc.open_by_handle_at(os.open(os.path.dirname(path), os.O_RDONLY), handle, os.O_RDONLY)
    return -ctypes.get_errno() if found < 0 else found


def _run_from_memory() -> None:
    program = os.memfd_create("program")
    os.write(program, Path("/usr/bin/true").read_bytes())
    os.execve(program, ["program"], {})


def _run_silently(program: str, file: str) -> None:
    """Run the program without its standard output, which is reserved for the line of JSON."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(program, ["cat", file])


def _connect(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.connect((host, port))


def _send_at_once(port: int) -> None:
    with socket.socket() as one:
        one.sendto(b"x", _FASTOPEN, ("127.0.0.1", port))


def opens(path: str) -> dict[str, Callable[[], object]]:
    """Return name → way to open a file."""
    return {
        "open": lambda: call("open", path, os.O_RDONLY),
        "openat": lambda: call("openat", -100, path, os.O_RDONLY),
        "openat, O_TRUNC": lambda: call("openat", -100, path, os.O_RDWR | os.O_TRUNC),
        "creat": lambda: call("creat", path, 0o600),
        "32-bit openat": lambda: int80.call("openat", [0xFFFFFF9C, path, os.O_RDONLY]),
        "io_uring": lambda: io_uring.opened(path),
        "open_by_handle_at": lambda: _by_handle(path),
        "through /proc/self/root": lambda: call("open", f"/proc/self/root{path}", os.O_RDONLY),
    }


def connects(port: int) -> dict[str, Callable[[], object]]:
    """Return name → way to connect to a port of this machine."""
    return {
        "connect": lambda: _connect("127.0.0.1", port),
        "connect to 0.0.0.0": lambda: _connect("0.0.0.0", port),
        "connect to a mapped address": lambda: _connect("::ffff:127.0.0.1", port),
        "32-bit connect": lambda: int80.connect(port)["result"],
        "socketcall": lambda: int80.connect_multiplexed(port)["result"],
        "io_uring connect": lambda: io_uring.connect(port)["result"],
        "TCP fast open": lambda: _send_at_once(port),
    }


def configuration(folder: Path, port: int, on_death: str = "stop") -> Path:
    """Write the configuration and rules of a mozu with deny rules; return the configuration's path."""
    conditions = {
        **{name: f"{_OPENS} {folder}/{name}" for name in ("marked", "dry", "budget")},
        "connected": f"evt.type = connect and fd.sip = 127.0.0.1 and fd.sport = {port} and fd.l4proto = tcp",
        "sent": f"{_SENDS} and fd.sip = 127.0.0.1 and fd.sport = {port} and fd.l4proto = udp",
        "executed": f"{_EXECS} and (proc.exepath = {folder}/dropped or proc.is_exe_from_memfd = true)",
    }
    for name in ("marked", "dry", "budget", "other"):
        (folder / name).write_text("secret")
    for name in ("dropped", "allowed"):
        shutil.copy("/usr/bin/true" if name == "dropped" else "/usr/bin/cat", folder / name)
    rules = [
        {"rule": name, "desc": name, "condition": condition, "output": "%proc.pid", "priority": "WARNING"}
        for name, condition in conditions.items()
    ]
    (folder / "rules.yaml").write_text(json.dumps(rules))
    acting = ["marked", "connected", "sent", "executed"]
    entries: dict[str, Any] = {
        "state_dir": str(folder / "state"),
        "start_deadline": SECONDS,
        "sources": [{"ebpf": {}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "respond": {
            "per_minute": 1_000_000, "allow": {"executables": [str(folder / "allowed")]}, "on_death": on_death,
        },
        "responders": [
            {"deny": {"rules": acting, "dry_run": False, "per_minute": 1_000_000}},
            {"deny": {"id": "dry", "rules": ["dry"]}},
            {"deny": {"id": "budget", "rules": ["budget"], "dry_run": False, "per_minute": _BUDGET}},
        ],
    }  # fmt: skip
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return folder / "mozu.yaml"


@contextlib.contextmanager
def watching(file: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run mozu with this configuration; yield its process and the file of its alerts."""
    alerts, said = file.with_name("alerts"), file.with_name("said")
    with alerts.open("wb") as out, said.open("wb") as err:
        command = [sys.executable, "-m", "mozu", "run", "--json", "-c", str(file)]
        mozu = subprocess.Popen(command, stdout=out, stderr=err)
    try:
        _until("mozu watches", lambda: "mozu: watching" in said.read_text() or mozu.poll() is not None)
        if mozu.poll() is not None:
            raise RuntimeError(said.read_text())
        yield mozu, alerts
    finally:
        mozu.kill()
        mozu.wait()


def _until(what: str, met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.2)  # the condition is about files and lines of other processes


def _serve(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


def switched(file: Path, verb: str, alerts: Path) -> None:
    """Run `mozu responders VERB` and wait until mozu has obeyed it."""
    before = alerts.read_text().count("Responses switched")
    subprocess.run([sys.executable, "-m", "mozu", "responders", verb, "-c", str(file)], check=True, capture_output=True)
    _until("the switch", lambda: alerts.read_text().count("Responses switched") > before)


def tried(folder: Path, prices: Prices) -> dict[str, tuple[int, int]]:
    """Return act → (how it ended, how it should have ended)."""
    found: dict[str, tuple[int, int]] = {}
    marked, other, denied = str(folder / "marked"), str(folder / "other"), errno.EPERM
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as beside:
        for one in (server, beside):
            threading.Thread(target=_serve, args=(one,), daemon=True).start()
        port, free = server.getsockname()[1], beside.getsockname()[1]
        file = configuration(folder, port)
        with watching(file) as (mozu, alerts):
            found |= {name: (ended(act), denied) for name, act in opens(marked).items()}
            found["bytes that are left of the file"] = os.stat(marked).st_size, len("secret")
            found |= {f"{name}, of another file": (ended(act), 0) for name, act in opens(other).items()}
            found |= {name: (ended(act), denied) for name, act in connects(port).items()}
            found |= {f"{name}, of another port": (ended(act), 0) for name, act in connects(free).items()}
            found |= {name: (ended(act), denied) for name, act in sends(port).items()}
            found |= {f"{name}, to another port": (ended(act), 0) for name, act in sends(free).items()}
            found["splice"] = ended(lambda: spliced(port)), denied if _kernel() >= (6, 5) else 0
            dropped = str(folder / "dropped")
            found["exec"] = ended(lambda: os.execv(dropped, ["dropped"])), denied
            found["exec of a program in memory"] = ended(_run_from_memory), denied
            found["exec of another program"] = ended(lambda: os.execv("/usr/bin/true", ["true"])), 0
            allowed = str(folder / "allowed")
            found["an allowed program"] = ended(lambda: _run_silently(allowed, marked)), 0
            found["dry run"] = ended(opens(str(folder / "dry"))["open"]), 0
            tries = [ended(opens(str(folder / "budget"))["open"]) for _ in range(3 * _BUDGET)]
            found["beyond the budget"] = tries[-1], 0
            found["within the budget"] = tries[0], denied
            text = "would deny open of"
            _until("reports", lambda: text in alerts.read_text() and f"deny exec of {dropped}" in alerts.read_text())
            switched(file, "off", alerts)
            found["switched off"] = ended(opens(marked)["open"]), 0
            switched(file, "on", alerts)
            found["switched on"] = ended(opens(marked)["open"]), denied
            mozu.send_signal(signal.SIGKILL)
            mozu.wait()
            found["mozu has ended"] = ended(opens(marked)["open"]), 0
        found |= tried_unattended(folder, port, prices)
    return found


def tried_unattended(folder: Path, port: int, prices: Prices) -> dict[str, tuple[int, int]]:
    """Return act → (how it ended, how it should have ended) for a mozu that is killed while its denials go on, and for
    the next mozu. Between the two nothing else of mozu runs: that is the moment to measure.
    """
    found: dict[str, tuple[int, int]] = {}
    file, marked, denied = configuration(folder, port, "go_on"), str(folder / "marked"), errno.EPERM
    with watching(file) as (mozu, _):
        mozu.send_signal(signal.SIGKILL)
        mozu.wait()
        acts = {"open": opens(marked)["open"], "connect": lambda: _connect("127.0.0.1", port)}
        found |= {f"{name}, mozu has died": (ended(act), denied) for name, act in acts.items()}
        prices |= denial_price.measured(folder, port, _NO_SERVER)
        with watching(file) as (following, alerts):
            text = f"deny open of {marked}"
            _until("what was denied meanwhile", lambda: text in alerts.read_text())
            found["the next mozu has taken over"] = ended(opens(marked)["open"]), denied
            following.send_signal(signal.SIGTERM)
            following.wait()
    found["it has ended in order"] = ended(opens(marked)["open"]), 0
    return found


def main() -> None:
    """Try the acts and print the results."""
    prices: Prices = {}
    with tempfile.TemporaryDirectory() as name:
        found = tried(Path(name).resolve(), prices)
    wrong = {act: [was, expected] for act, (was, expected) in found.items() if was != expected}
    print(json.dumps({"acts": len(found), "prices": prices, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
