"""Many plugins that misbehave, beside one live eBPF source: not one of its events is lost, and each is named."""

import os
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.culprits import KINDS, MODULE, lay_down
from tests.support.running import Running, mozu_run

pytestmark = pytest.mark.ebpf

FILES: Final = 400
WAYS: Final = ("raise", "exit", "cancel", "wrong", "none")
FATAL: Final = {
    "source": ("leave", "crash", "spin in C"), "enricher": (), "evaluator": ("spin in C",), "sink": ("leave",),
}  # fmt: skip
"""What only a process survives."""


def entries(kind: str) -> list[dict[str, Any]]:
    """A culprit for each way of work and each call; in processes those that would end or stop mozu."""
    pairs = [("work", how) for how in WAYS] + [("start", "exit"), ("build", "raise"), ("callback", "exit")]
    pairs += [("callback", "block"), ("callback", "spin")]
    pairs += [("start", "hang")] if kind == "source" else []  # each takes the whole deadline
    isolation = {"mode": "process", "answer": 2}
    return [
        *({"culprit": {"id": f"{at}-{how}", "at": at, "how": how, "optional": True}} for at, how in pairs),
        *({"culprit": {"id": _id(how), "at": "work", "how": how, "isolation": isolation}} for how in FATAL[kind]),
    ]


def _id(how: str) -> str:
    return how.replace(" ", "-")


def configuration(folder: Path) -> Path:
    rules = folder / "rules.yaml"
    rules.write_text(
        yaml.safe_dump(
            [
                {
                    "rule": "A numbered file",
                    "desc": "Each file that the test opens.",
                    "condition": f"evt.type = openat and fd.name startswith {folder}/number-",
                    "output": "%fd.name",
                    "priority": "NOTICE",
                }
            ]
        )
    )
    good: dict[str, list[Any]] = {
        "source": ["ebpf"], "enricher": [], "evaluator": [{"falco": {"rules": [str(rules)]}}], "sink": ["stdout"],
    }  # fmt: skip
    tree: dict[str, Any] = {f"{kind}s": [*good[kind], *entries(kind)] for kind in KINDS}
    file = folder / "mozu.yaml"
    file.write_text(yaml.safe_dump({"start_deadline": 10, "stop_deadline": 10, "state_dir": str(folder), **tree}))
    return file


def opened(mozu: Running, folder: Path) -> None:
    for number in range(FILES):
        os.close(os.open(folder / f"number-{number}", os.O_CREAT | os.O_WRONLY))
    last = f"{folder}/number-{FILES - 1}"
    mozu.wait_alert(lambda alert: last in alert["output"], "the last file")


def test_no_event_of_ebpf_is_lost_to_plugins_that_misbehave(tmp_path: Path) -> None:
    site = lay_down(tmp_path / "site")
    environment = {"PYTHONPATH": os.pathsep.join([str(site), str(MODULE), str(Path(__file__).parents[2] / "src")])}
    with mozu_run(tmp_path, "-c", str(configuration(tmp_path)), env=environment) as mozu:
        opened(mozu, tmp_path)
        for kind, how in ((kind, how) for kind, ways in FATAL.items() for how in ways):
            mozu.wait_log(f"{kind} {_id(how)} failed to")
        statistics = mozu.stop()
    seen = [alert["output"].rpartition("number-")[2] for alert in mozu.alerts if alert["rule"] == "A numbered file"]
    assert [str(number) for number in range(FILES)] == seen
    types = statistics["sources"]["ebpf"]["types"].values()
    assert 0 == sum(one["lost"] + (one["missed"] or 0) for one in types)
    log = "\n".join(mozu.log)
    for how in ("raise", "exit", "cancel", "wrong"):
        for kind in ("source", "evaluator", "sink"):  # no rule here asks for what the enrichers know
            assert f"{kind} work-{how} failed to" in log, (kind, how)
