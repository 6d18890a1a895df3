"""Acts that change the kernel, or have it start a program, each watched by the rule that ships for it.

In the machine, as root, with mozu's Python, while mozu runs with its own rules: `python3 -m tests.vm.kernel_acts`.
Each act is a child's and must succeed. One "in a container" is in a cgroup as docker names them, and in mount, UTS and
IPC namespaces of its own. What the kernel starts for it must run in the machine's mount namespace: the way out is real.
"""

import contextlib
import json
import lzma
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.acts.raw import call
from tests.vm.service import HERE, Failed, alerts, run, until

_CONTAINER: Final = "c0ffee" + "0" * 58
_CGROUP: Final = Path(f"/sys/fs/cgroup/docker-{_CONTAINER}.scope")
_CORE_PATTERN: Final = Path("/proc/sys/kernel/core_pattern")
_HANDLER, _REPORTED = HERE / "handler", HERE / "reported"
_HIERARCHY: Final = HERE / "hierarchy"
_MODULE, _MODULE_FILE = "dummy", HERE / "dummy.ko"
_KEXEC_FILE_NO_INITRAMFS: Final = 4
_NAMESPACES: Final = 0x00020000 | 0x04000000 | 0x08000000
"""CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC."""
_SECONDS: Final = 60
"""Seconds in which the kernel starts a program."""
_HANDLED: Final = f"#!/bin/sh\nreadlink /proc/self/ns/mnt > {_REPORTED}\ncat > /dev/null\n"


class Act(NamedTuple):
    """Act of a child."""

    rule: str
    reported: str
    """Part of the alert's text."""
    do: Callable[[], None]
    in_container: bool = False

    @property
    def name(self) -> str:
        """Return a name of the act for people."""
        return f"{self.rule} ({self.reported}{', in a container' * self.in_container})"


def _done(result: int) -> int:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def _unpack_module() -> None:
    """Unpack the module into a file of the kernel's own format; Debian 13 has modules compressed."""
    (file,) = Path("/lib/modules", os.uname().release).rglob(f"{_MODULE}.ko*")
    code = file.read_bytes()
    _MODULE_FILE.write_bytes(lzma.decompress(code) if file.suffix == ".xz" else code)


def _loaded_by_text() -> None:
    code = _MODULE_FILE.read_bytes()
    _done(call("init_module", code, len(code), ""))
    _unload()


def _loaded_by_file() -> None:
    fd = os.open(_MODULE_FILE, os.O_RDONLY)
    _done(call("finit_module", fd, "", 0))
    _unload()


def _loaded_by_hand() -> None:
    subprocess.run(["sh", "-c", f"insmod {_MODULE_FILE}; true"], check=True)
    _unload()


def _loaded_by_modprobe() -> None:
    """Load the module by modprobe, whose use on the host is ordinary."""
    run("modprobe", _MODULE)
    _unload()


def _unload() -> None:
    if f"\n{_MODULE} " not in "\n" + Path("/proc/modules").read_text():
        raise Failed(f"the module {_MODULE} is not loaded")
    _done(call("delete_module", _MODULE, 0))


def _kernel_loaded() -> None:
    """Load a kernel by kexec_file_load, and unload it by kexec_load without segments."""
    fd = os.open("/vmlinuz", os.O_RDONLY)
    _done(call("kexec_file_load", fd, -1, 1, b"", _KEXEC_FILE_NO_INITRAMFS))
    loaded = Path("/sys/kernel/kexec_loaded")
    if loaded.read_text().strip() != "1":
        raise Failed("no kernel was loaded")
    _done(call("kexec_load", 0, 0, None, 0))
    if loaded.read_text().strip() != "0":
        raise Failed("the kernel that was loaded is still there")


def _core_dumped() -> None:
    """Make something crash under another handler of core dumps."""
    before = _CORE_PATTERN.read_text()
    _CORE_PATTERN.write_text(f"|{_HANDLER}")
    try:
        crashing = os.fork()
        if not crashing:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            os.kill(os.getpid(), signal.SIGABRT)
        os.waitpid(crashing, 0)
        _wait_handler()
    finally:
        _CORE_PATTERN.write_text(before)


def _released() -> None:
    """Let a hierarchy of cgroups name a program, and empty a cgroup of it, so that the kernel starts the program."""
    run("mount", "-t", "cgroup", "-o", "none,name=escape", "escape", str(_HIERARCHY))
    (_HIERARCHY / "release_agent").write_text(str(_HANDLER))
    left = _HIERARCHY / "left"
    left.mkdir()
    (left / "notify_on_release").write_text("1")
    (left / "cgroup.procs").write_text(str(os.getpid()))
    (_HIERARCHY / "cgroup.procs").write_text(str(os.getpid()))
    _wait_handler()
    left.rmdir()


def _wait_handler() -> None:
    """Wait until the handler was started, outside of every container. Raises Failed."""
    deadline = time.monotonic() + _SECONDS
    while not (_REPORTED.exists() and _REPORTED.read_text()):
        if time.monotonic() > deadline:
            raise Failed(f"the kernel did not start {_HANDLER} within {_SECONDS} s")
        time.sleep(0.1)  # the handler is no child, its end cannot be awaited
    reported = _REPORTED.read_text().strip()
    _REPORTED.unlink()
    if reported != os.readlink("/proc/1/ns/mnt"):
        raise Failed(f"{_HANDLER} ran in {reported}, not in the mount namespace of the machine")


ACTS: Final = (
    Act("Kernel module loaded by an unexpected program", "event=init_module", _loaded_by_text),
    Act("Kernel module loaded by an unexpected program", "event=finit_module", _loaded_by_file),
    Act("Kernel module loaded by hand", "process=insmod", _loaded_by_hand),
    Act("Kernel module loaded by an unexpected program", "event=init_module", _loaded_by_text, in_container=True),
    Act("Kernel module loaded in a container", "process=modprobe", _loaded_by_modprobe, in_container=True),
    Act("New kernel loaded by kexec", "event=kexec_file_load", _kernel_loaded),
    Act("Kernel helper program set on the host", "core_pattern", _core_dumped),
    Act("Kernel helper program set from a container", "core_pattern", _core_dumped, in_container=True),
    Act("Kernel helper program set from a container", "release_agent", _released, in_container=True),
)


def make(act: Act) -> None:
    """Perform the act in a child. Raises Failed."""
    child = os.fork()
    if not child:
        code = 1
        try:
            if act.in_container:
                _enter_container()
            act.do()
            code = 0
        except (OSError, ValueError, Failed) as error:
            print(f"{act.name}: {error!r}", flush=True)
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise Failed(f"the act itself failed: {act.name}")


def _enter_container() -> None:
    (_CGROUP / "cgroup.procs").write_text(str(os.getpid()))
    _done(call("unshare", _NAMESPACES))
    run("mount", "--make-rprivate", "/")


def _has_raised(act: Act) -> bool:
    def is_of_it(alert: dict[str, str]) -> bool:
        container = alert.get("MOZU_CONTAINER_ID", "")
        where = _CONTAINER.startswith(container) if act.in_container else container == "host"
        return act.reported in alert["MESSAGE"] and where

    return any(map(is_of_it, alerts(act.rule)))


def main() -> None:
    """Perform the acts and print a line of JSON."""
    _HANDLER.write_text(_HANDLED)
    _HANDLER.chmod(0o755)
    _unpack_module()
    _HIERARCHY.mkdir()
    _CGROUP.mkdir()
    for act in ACTS:
        make(act)
    with contextlib.suppress(Failed):  # missing alerts are reported below
        until("an alert of every act", lambda: all(map(_has_raised, ACTS)))
    seen = [act.name for act in ACTS if _has_raised(act)]
    print(json.dumps({"seen": seen, "unseen": [act.name for act in ACTS if act.name not in seen]}))


if __name__ == "__main__":
    main()
