"""Alerts drawn at random from secrets and the texts around secrets, and their redacted values.

python -m tests.core.delivery.redact.drawn    writes tests/data/redactions/ again, after an intended change
"""

import random
from collections.abc import Iterator
from typing import Final

from mozu.core.delivery.redact import Redactor
from mozu.core.metrics import Metrics
from mozu.core.model.value_types import FieldValue
from mozu.core.testing import alert
from tests.support import golden
from tests.support.requirements import DATA

FILE: Final = DATA / "redactions" / "drawn.txt.xz"
NAMES: Final = tuple(f"alerts-{seed}" for seed in range(12))
_ALERTS: Final = 60
_SECRETS: Final = ("Hunter2xyz", "s3cre", "s3cret", "-dash", "two words", "a", "AKIA" + "B" * 16, "ghp_" + "c" * 24, "")
_BEFORE: Final = (
    "--password ", "--password=", "-p", "-p ", "mysql -u x -p", "curl -u bob:", "PGPASSWORD=", "token: '", 'pass="',
    "Authorization: Bearer ", "https://u:", "redis-cli -a ", "a_key=", "--token\0", "sshpass -p ", "--db-secret.", " ",
    "x",
)  # fmt: skip
_AFTER: Final = ("", " ", "'", '"', "@host/x", "\n", "\0", " --next", "; ls", "\udcff", " HOME=/root")
_KEYS: Final = (
    "proc.cmdline", "proc.args", "proc.pcmdline", "evt.args", "evt.arg.data", "evt.buffer", "evt.info", "fd.name",
    "fs.path.name", "proc.env", "proc.env[PGPASSWORD]", "proc.env[HOME]", "proc.aenv[API_TOKEN]", "evt.arg.env",
    "proc.exe", "user.name", "toupper(proc.name)", "proc.name", "k8s.pod.name", "container.name", "json.value[/a]",
)  # fmt: skip


def reported(name: str) -> Iterator[str]:
    """Yield the values of each alert after redaction, and the counts at the end."""
    chance, metrics = random.Random(name), Metrics()
    patterns, fields = chance.choice(((), (), ("zip=([0-9]+)", "^x.*$"))), chance.choice(((), ("proc.name", "fd.name")))
    redactor = Redactor(metrics, patterns, fields)
    for number in range(_ALERTS):
        one = alert()
        one.values = {key: _value(chance) for key in chance.sample(_KEYS, chance.randrange(1, 6))}
        one.enrichment = {"container.label[x]": _value(chance)} if chance.random() < 0.3 else {}
        before = {**one.values, **one.enrichment}
        redactor(one)
        yield f"# alert {number}"
        for key, value in {**one.values, **one.enrichment}.items():
            yield golden.line(f"{key} of {before[key]!r}".translate({9: "\\t", 10: "\\n", 0: "\\0"}), repr(value))
    yield "# counts"
    for _, labels, value in metrics.collect():
        yield golden.line(" ".join(labels.values()), value)


def _value(chance: random.Random) -> FieldValue:
    drawn = chance.random()
    if drawn < 0.1:
        return chance.choice((None, 7, True, 0.5))
    if drawn < 0.2:
        return _text(chance).encode("utf-8", "surrogateescape")
    if drawn < 0.35:
        return tuple(chance.choice((_text(chance).strip(), "--password", "-p")) for _ in range(chance.randrange(5)))
    if drawn < 0.38:
        return " ".join(f"--password secret{number:03}" for number in range(chance.choice((63, 64, 65, 66))))
    return _text(chance)


def _text(chance: random.Random) -> str:
    parts = [
        chance.choice(_BEFORE) + chance.choice(_SECRETS) + chance.choice(_AFTER) for _ in range(chance.randrange(1, 4))
    ]
    return "".join(parts) + chance.choice(("", "zip=12345", "secret063 secret064 secret065"))


if __name__ == "__main__":
    golden.write(FILE, {name: reported(name) for name in NAMES})
