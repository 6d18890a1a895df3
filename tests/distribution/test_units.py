"""The units of systemd."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.requirements import ROOT, program
from tests.vm import unattended

UNITS: Final = ROOT / "distribution/files/usr/lib/systemd/system"
_OF_AN_INSTANCE: Final = (
    (" (%i)", ""),
    (" -c /etc/mozu/%i/mozu.yaml -o state_dir=/var/lib/mozu-%i", ""),
    ("/etc/mozu/%i/", "/etc/mozu/"),
    ("-%i", ""),
)


def test_an_instance_is_the_same_service_with_other_places() -> None:
    text = (UNITS / "mozu@.service").read_text()
    for place, plain in _OF_AN_INSTANCE:
        text = text.replace(place, plain)

    assert text == (UNITS / "mozu.service").read_text()


def test_units_start_mozu_and_the_shell_which_every_debian_has() -> None:
    started = {
        program
        for unit in UNITS.glob("*.service")
        for program in re.findall(r"^Exec\w+=(\S+)", unit.read_text(), re.MULTILINE)
    }
    assert started == {"/usr/bin/mozu", "/bin/sh"}


def test_the_capabilities_are_those_of_the_page() -> None:
    (named,) = set(re.findall(r"^CapabilityBoundingSet=(.+)$", (UNITS / "mozu.service").read_text(), re.MULTILINE))
    assert f"    CapabilityBoundingSet={named}\n" in (ROOT / "docs/operate/privileges.md").read_text()


def test_the_service_has_a_larger_share_of_the_cpu_than_others() -> None:
    (weight,) = re.findall(r"^CPUWeight=(\d+)$", (UNITS / "mozu.service").read_text(), re.MULTILINE)
    assert int(weight) > 100, "what systemd gives to services that say nothing"


def test_virtual_machines_try_the_drop_in_of_the_page_for_what_goes_on_without_mozu() -> None:
    page = (ROOT / "docs/operate/responders.md").read_text()
    assert f"# systemctl edit mozu\n  {unattended.LET.replace(chr(10), chr(10) + '  ')}```" in page


@pytest.mark.live
@pytest.mark.parametrize("unit", ["mozu.service", "mozu@.service"])
def test_systemd_finds_that_the_service_may_do_little(unit: str, tmp_path: Path) -> None:
    file = tmp_path / unit.replace("@.", "@one.")
    file.write_text((UNITS / unit).read_text())
    command = [program("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=30", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr
