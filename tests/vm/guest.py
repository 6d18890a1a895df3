"""Steps in a virtual machine, taken by its unit vm.service as root: `python3 -m tests.vm.guest`. /root/vm/plan has a
line for each boot, with the names of its steps; a boot takes the first line and ends with a reboot, and the machine
ends after the last line. Each step prints one line of JSON on standard output, the second serial port, with its result
or the reason of its failure, which ends the machine.
"""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from tests.vm import filters, packaging, running, unattended
from tests.vm.service import HERE, run

STEPS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "install": packaging.install,
    "install previous": lambda: packaging.install("previous"),
    "install rpm": packaging.install_rpm,
    "alert": running.alert,
    "filters": filters.filters,
    "acts": running.acts,
    "kernel acts": running.kernel_acts,
    "configure": running.configure,
    "respond": running.respond,
    "denials": running.denials,
    "loss": running.loss,
    "watchdog": running.watchdog,
    "unattended": unattended.unattended,
    "upgrade": packaging.upgrade,
    "remove": packaging.remove,
    "remove rpm": packaging.remove_rpm,
    "purge": packaging.purge,
    "refused": running.refused,
}


def main() -> None:
    """Take the steps of this boot."""
    plan = HERE / "plan"
    (now, *later) = plan.read_text().splitlines()
    plan.write_text("".join(f"{line}\n" for line in later))
    for step in now.split(","):
        start = time.monotonic()
        try:
            found = STEPS[step]()
        except Exception as error:  # noqa: BLE001  whatever it is, the host is notified
            log = run("journalctl", "-b", "-u", "mozu", "-n", "60", "--no-pager", check=False)
            tell({"step": step, "failed": f"{type(error).__name__}: {error}", "journal": log})
            later = []
            break
        tell({"step": step, "took": round(time.monotonic() - start, 1), **found})
    run("systemctl", "reboot" if later else "poweroff")


def tell(report: dict[str, Any]) -> None:
    """Send a report to the host."""
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
