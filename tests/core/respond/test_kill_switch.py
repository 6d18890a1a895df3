"""The kill switch, which is a file."""

from pathlib import Path

from mozu.core.respond.kill_switch import KillSwitch


def test_off_and_on(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "responses/off")
    seen = [switch.is_off]
    switch.off()
    seen.append(KillSwitch(switch.path).is_off)
    switch.on()
    assert [*seen, switch.is_off] == [False, True, False]


def test_a_file_that_cannot_be_looked_at_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "responses").write_text("no directory")
    assert KillSwitch(tmp_path / "responses/off").is_off


def test_a_link_that_leads_nowhere_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "off").symlink_to("nowhere")
    assert KillSwitch(tmp_path / "off").is_off
