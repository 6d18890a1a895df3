"""The run of a crowd and mozu, and a comparison of the results of both."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.soak.truth import Known, proc
from tests.support.requirements import ROOT, program

_PID_MAX = Path("/proc/sys/kernel/pid_max")
_TIMEOUT = 300.0
_REPAIR = 90.0
"""Seconds that mozu may take to repair its state after a loss."""


class Plan(NamedTuple):
    """The extent of a run."""

    processes: int
    threads: int
    """Threads beside the main one of each process."""
    rate: int
    """Short processes a second."""
    seconds: float
    replaced: int = 5
    """Long-lived processes that are killed and begun anew, a second."""
    ring: int = 64 << 20
    """Size of the ring buffer in bytes. With the default, a machine may leave mozu no CPU for a minute without a
    loss."""
    held: float = 0.0
    """Seconds for which mozu is stopped half-way, so that a small ring overflows."""


class Sample(NamedTuple):
    """The state of mozu at one moment."""

    at: float
    rss: float
    """Resident memory in MiB."""
    cpu: float
    """Seconds of CPU so far."""
    descriptors: int


class Outcome(NamedTuple):
    """The findings of a run."""

    samples: list[Sample]
    wrong: dict[str, list[Any]]
    """Kind of difference → the first of them: (pid, value in /proc, value in the state)."""
    compared: int
    """Count of processes."""
    sizes: dict[str, int]
    begun: int
    """Processes that the crowd began, its own count."""
    counts: dict[str, dict[str, int]]
    """The source's loss accounting by event type."""


@contextmanager
def many_numbers(wanted: int) -> Iterator[None]:
    """Raise the limit of task numbers to `wanted` at least; restore it afterwards."""
    before = _PID_MAX.read_text()
    _PID_MAX.write_text(str(max(int(before), wanted)))
    try:
        yield
    finally:
        with suppress(OSError):  # other tasks may have higher numbers by now
            _PID_MAX.write_text(before)


def soak(plan: Plan, rules: list[Path], folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Begin half of the crowd, mozu, the other half; let time pass; compare."""
    crowd_program = folder / "crowd"
    source = Path(__file__).with_name("crowd.c")
    subprocess.run([program("gcc"), "-O2", "-static", "-pthread", "-o", crowd_program, source], check=True)
    folder.chmod(0o755)
    tasks = plan.processes * (1 + plan.threads)
    with many_numbers(4 * tasks), _crowd(crowd_program, plan) as crowd:
        _hear(crowd, "half")
        with _mozu(rules, folder, plan.ring) as mozu:
            _tell(crowd)
            _hear(crowd, "full")
            say(f"{plan.processes} processes of {1 + plan.threads} threads; mozu has pid {mozu.pid}")
            samples = _watch(mozu, plan.seconds / 2, say)
            _hold(mozu, plan.held)
            samples += _watch(mozu, plan.seconds / 2, say, plan.seconds / 2)
            _tell(crowd)
            begun = int(_hear(crowd, "calm").split()[1])
            wrong, compared, sizes = _settled(mozu, folder / "state.json")
            say(f"{compared} processes compared")
            mozu.send_signal(signal.SIGTERM)
            if mozu.wait(_TIMEOUT):
                raise AssertionError("mozu did not end cleanly")
    counts = json.loads((folder / "statistics.json").read_text())["sources"]["syscalls"]["types"]
    return Outcome(samples, wrong, compared, sizes, begun, counts)


@contextmanager
def _crowd(path: Path, plan: Plan) -> Iterator["subprocess.Popen[str]"]:
    words = map(str, (path, plan.processes, plan.threads, plan.rate, plan.replaced))
    process = subprocess.Popen(
        list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _tell(crowd: "subprocess.Popen[str]") -> None:
    assert crowd.stdin is not None
    crowd.stdin.write("\n")
    crowd.stdin.flush()


def _hear(crowd: "subprocess.Popen[str]", word: str) -> str:
    assert crowd.stdout is not None
    line = crowd.stdout.readline()
    if not line.startswith(word):
        raise AssertionError(f"the crowd says {line!r} and not {word!r}")
    return line


@contextmanager
def _mozu(rules: list[Path], folder: Path, ring: int) -> Iterator["subprocess.Popen[bytes]"]:
    log = folder / "log"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "MOZU_STATE": str(folder / "state.json")}
    named = [word for path in rules for word in ("-r", str(path))]
    source = ["-o", f"sources.syscalls.source.ebpf.ring_size={ring}", "-o", "sources.syscalls.fallback=none"]
    options = ["--stats", str(folder / "statistics.json"), *source, *named]
    with log.open("wb") as errors, (folder / "alerts").open("wb") as alerts:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.watched", "run", *options],
            stdin=subprocess.DEVNULL, stdout=alerts, stderr=errors, env=environment,
        )  # fmt: skip
        try:
            _until(lambda: "event types" in log.read_text() or process.poll() is not None, "mozu has started")
            if process.poll() is not None:
                raise AssertionError(f"mozu has ended:\n{log.read_text()}")
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _hold(mozu: "subprocess.Popen[bytes]", seconds: float) -> None:
    if seconds:
        mozu.send_signal(signal.SIGSTOP)
        time.sleep(seconds)  # the ring overflows meanwhile
        mozu.send_signal(signal.SIGCONT)


def _watch(
    mozu: "subprocess.Popen[bytes]", seconds: float, say: Callable[[str], None], since: float = 0.0
) -> list[Sample]:
    samples: list[Sample] = []
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        if mozu.poll() is not None:
            raise AssertionError("mozu has ended")
        samples.append(_sample(mozu.pid, since + passed))
        if len(samples) % 20 == 1:
            say(f"{samples[-1].at:6.0f} s: {samples[-1].rss:.1f} MiB, {samples[-1].cpu:.0f} s of CPU")
        time.sleep(min(3.0, seconds / 20))  # between two samples
    return samples


def _sample(pid: int, at: float) -> Sample:
    place = Path(f"/proc/{pid}")
    found = re.search(r"VmRSS:\s+(\d+)", (place / "status").read_text())
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return Sample(at, int(found[1]) / 1024 if found else 0.0, used, len(os.listdir(place / "fd")))


def _settled(mozu: "subprocess.Popen[bytes]", state: Path) -> tuple[dict[str, list[Any]], int, dict[str, int]]:
    """Return the result of `compare` once all differences that a loss has caused are repaired, or the last result when
    the time is over."""
    deadline = time.monotonic() + _REPAIR
    while True:
        found = compare(mozu, state)
        if not any(found[0].values()) or time.monotonic() > deadline:
            return found


def compare(mozu: "subprocess.Popen[bytes]", state: Path) -> tuple[dict[str, list[Any]], int, dict[str, int]]:
    """Return the differences between the state and /proc. Others use this machine too: only processes that did not
    change are compared."""
    before = proc()
    time.sleep(1.0)  # events under way arrive meanwhile
    first = _state(mozu, state)
    between = proc()
    time.sleep(1.0)  # a second reading: processes that changed in between are not compared
    second = _state(mozu, state)
    after = proc()
    said: dict[int, list[Any]] = {int(pid): known for pid, known in second["processes"].items()}
    earlier = {int(pid): known for pid, known in first["processes"].items()}
    still = {pid: known for pid, known in before.items() if between.get(pid) == known == after.get(pid)}
    wrong: dict[str, list[Any]] = {"missing": [], "different": [], "gone": []}
    for pid, known in still.items():
        reported = said.get(pid)
        if pid == mozu.pid or (reported is not None and _same(known, reported)):
            continue
        wrong["missing" if reported is None else "different"].append((pid, known, reported))
    alive = before.keys() | between.keys() | after.keys()
    wrong["gone"] = [
        (pid, reported) for pid, reported in said.items() if earlier.get(pid) == reported and pid not in alive
    ]
    wrong["doubted"] = [
        (pid, still[pid], said.get(pid))
        for pid in set(first["doubted"]) & set(second["doubted"]) & still.keys() - {mozu.pid}
    ]
    return wrong, len(still), second["sizes"]


def _same(known: Known, reported: list[Any]) -> bool:
    """Return True if the state agrees with /proc.

    Values that /proc does not show are not compared, nor are the arguments of foreign programs: those that overwrite
    their own (a title) keep in the state what they were started with.
    """
    parent, exe, command, cwd, uid, _ = reported
    ours = known.exe.endswith("/crowd")
    return (
        (known.parent, known.uid) == (parent, uid)
        and known.exe.removesuffix(" (deleted)") in ("", exe)
        and known.cwd.removesuffix(" (deleted)") in ("", cwd)
        and (not ours or known.command == tuple(command))
    )


def _state(mozu: "subprocess.Popen[bytes]", path: Path) -> Any:
    path.unlink(missing_ok=True)
    mozu.send_signal(signal.SIGRTMIN)
    _until(path.exists, "mozu has written its state")
    return json.loads(path.read_text())


def _until(test: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not test():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {_TIMEOUT:.0f} s: {what}")
        time.sleep(0.1)  # mozu is another process


def levels(samples: list[Sample]) -> tuple[float, float]:
    """Resident memory in MiB: the median of the second quarter of the time, and of the last."""
    quarter = max(1, len(samples) // 4)
    return (
        statistics.median(sample.rss for sample in samples[quarter : 2 * quarter]),
        statistics.median(sample.rss for sample in samples[-quarter:]),
    )


def unaccounted(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return, by event type, the count of calls that no counter accounts for."""
    found = {
        name: c["seen"] - c["filtered"] - c["lost"] - (c["missed"] or 0) - c["received"] for name, c in counts.items()
    }
    return {name: number for name, number in found.items() if number}


def report(outcome: Outcome, out: IO[str]) -> bool:
    """Print the outcome; return True if all is well."""
    early, late = levels(outcome.samples)
    first, last = outcome.samples[0], outcome.samples[-1]
    lost = sum(c["lost"] + (c["missed"] or 0) for c in outcome.counts.values())
    seen = sum(c["seen"] for c in outcome.counts.values())
    share = (last.cpu - first.cpu) / max(1e-9, last.at - first.at)
    leaks = last.descriptors - first.descriptors
    print(
        f"memory: {early:.1f} MiB in the second quarter, {late:.1f} MiB in the last\n"
        f"descriptors: {first.descriptors} at first, {last.descriptors} in the end\n"
        f"CPU: {share:.1%} of one core\n"
        f"processes begun: {outcome.begun}; events seen: {seen}, lost and counted: {lost}, "
        f"not accounted for: {unaccounted(outcome.counts) or 0}\n"
        f"compared with /proc: {outcome.compared} processes; "
        + ", ".join(f"{len(found)} {kind}" for kind, found in outcome.wrong.items())
        + f"\nkept: {outcome.sizes}",
        file=out,
    )
    for kind, found in outcome.wrong.items():
        for difference in found[:5]:
            print(f"{kind}: {difference}", file=out)
    return not (any(outcome.wrong.values()) or unaccounted(outcome.counts) or leaks > 2 or late > early * 1.05 + 4)
