"""Keys that many outputs of falcosidekick have, at each output; and every key of its example configuration."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.runtime.falco_import.key_table import fate_of
from tests.core.runtime.falco_import.test_key_table_effects import KAFKA, SIDEKICK
from tests.support.falco_receivers import Received, imported_run
from tests.support.falco_scene import Scene, needles, receivers
from tests.support.requirements import DATA

ADDRESSES: Final = {
    **dict.fromkeys(
        ("slack", "rocketchat", "mattermost", "teams", "webex", "discord", "googlechat", "cliq"), "webhookurl"
    ),
    **dict.fromkeys(("alertmanager", "elasticsearch", "loki"), "hostport"),
    **dict.fromkeys(("webhook", "nodered", "n8n", "talon", "cloudevents"), "address"),
    "tekton": "eventListener", "splunk": "host", "otlp.logs": "endpoint",
}  # fmt: skip
"""Output over HTTP → the key of its address; PagerDuty has none."""
WITH_HEADERS: Final = ("alertmanager", "elasticsearch", "loki", "webhook", "nodered")
OBSERVED: Final = {
    "minimumpriority": {*ADDRESSES, "pagerduty", "smtp", "syslog"}, "mutualtls": {*ADDRESSES},
    "checkcert": {*ADDRESSES}, "customheaders": {*WITH_HEADERS}, "maxconcurrentrequests": {"elasticsearch"},
}  # fmt: skip
"""Key of many outputs → the outputs at which a run here shows its effect."""


def outputs(scene: Scene, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of falcosidekick with every output that has an equal except Kafka and S3, and these keys.
    """
    tree: dict[str, Any] = {"splunk": {"token": "t0ken"}}
    for name, key in ADDRESSES.items():
        outer, _, inner = name.partition(".")
        output = tree.setdefault(outer, {})
        output = output.setdefault(inner, {}) if inner else output
        output |= {key: f"{scene.https.url}/{name}", **more}
    priority = {"minimumpriority": more.get("minimumpriority", "")}
    mail = {"hostport": f"localhost:{scene.smtp}", "from": "a@example.org", "to": "b@example.org", "tls": True}
    tree["smtp"] = {**mail, **priority}
    tree["syslog"] = {"host": "127.0.0.1", "port": scene.tcp.port, "protocol": "tcp", **priority}
    tree["pagerduty"] = {"routingKey": "key", **priority}
    return tree


@contextmanager
def ran(folder: Path, more: Mapping[str, Any], *, trusted: bool) -> Iterator[Scene]:
    """Yield a run whose outputs have these keys."""
    with receivers(folder) as scene:
        certificates, tree = scene.certificates, outputs(scene, more)
        scene.https.held["/elasticsearch"] = [0.5] * 4
        tree["elasticsearch"] |= {"batching": {"enabled": True, "batchsize": 10}}
        if trusted:
            tree["elasticsearch"] |= {"maxconcurrentrequests": 4}
            tree["mutualtlsclient"] = {
                "certfile": str(certificates.client), "keyfile": str(certificates.client_key),
                "cacertfile": str(certificates.ca),
            }  # fmt: skip
        overrides = [
            f"sinks.pagerduty.url={scene.http.url}/pagerduty", "sinks.pagerduty.allow_private=true",
            f"sinks.smtp.tls.ca={certificates.ca}",
        ]  # fmt: skip
        scene.run = imported_run(folder, needles(folder), tree, *overrides)
        yield scene


def requests(scene: Scene, name: str) -> list[Received]:
    """Return the requests about events that came to an output over HTTP."""
    found = [*scene.https.at(f"/{name}"), *scene.http.at(f"/{name}")]
    return [one for one in found if "/secret/" in one.text or "minor" in one.text]


def texts(scene: Scene, name: str) -> str:
    """Return all text that came to an output."""
    if name == "smtp":
        return "".join(mail[2] for mail in scene.mails)
    return scene.tcp.data.decode() if name == "syslog" else "".join(one.text for one in requests(scene, name))


def seen(scene: Scene, key: str, name: str) -> bool:
    """Return True if the effect of the key is seen at the output."""
    found = requests(scene, name)
    if key == "minimumpriority":
        return "/secret/" in texts(scene, name) and "/minor" not in texts(scene, name)
    if key == "maxconcurrentrequests":
        return scene.https.at_once.get(name, 0) > 1
    if key == "customheaders":
        return bool(found) and all(one.headers.get("x-team") == "blue" for one in found)
    return bool(found) and (key == "checkcert" or all(one.has_client_certificate for one in found))


@pytest.mark.timeout(400)
def test_a_key_of_many_outputs_has_its_effect_at_each_of_them(tmp_path: Path) -> None:
    keys = {"minimumpriority": "warning", "mutualtls": True, "customHeaders": {"X-Team": "blue"}}
    with ran(tmp_path / "full", keys, trusted=True) as full, ran(
        tmp_path / "bare", {"checkcert": False}, trusted=False
    ) as bare:  # fmt: skip
        pairs = [(key, name) for key, names in OBSERVED.items() for name in names if key != "checkcert"]

        assert [] == [(key, name) for key, name in pairs if not seen(full, key, name)]
        assert [] == [(key, name) for key, name in pairs if seen(bare, key, name)]
        assert [] == [name for name in OBSERVED["checkcert"] if not seen(bare, "checkcert", name)]


def example() -> list[str]:
    """Return the keys of falcosidekick's example configuration."""
    lines = (DATA / "reference/falcosidekick-keys.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_every_key_of_the_example_is_observed_at_its_receiver_or_has_a_reason() -> None:
    unseen = []
    for key in example():
        fate = fate_of("sidekick", key)
        name, _, last = key.lower().replace(".customheaders.key", ".customheaders").rpartition(".")
        if fate.verdict == "translated" and key.lower() not in SIDEKICK and key.lower() not in KAFKA:
            if name not in OBSERVED.get(last, ()) and key != "kafka.minimumpriority" and name != "customfields":
                unseen.append(key)
        elif fate.verdict not in ("translated", "needless", "no equal") or not fate.text:
            unseen.append(key)

    assert [] == unseen
    assert len(example()) > 400
