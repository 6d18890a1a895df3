"""The meaning of each metric of mozu and of its own plugins: metrics.tsv (name, labels, sentence)."""

import importlib.resources
from functools import cache

import msgspec


class MetricHelp(msgspec.Struct, frozen=True):
    """A metric, without the prefix `mozu_`."""

    name: str
    labels: tuple[str, ...]
    sentence: str

    @property
    def is_counter(self) -> bool:
        """True if the value only grows."""
        return self.name.endswith("_total")


@cache
def known_metrics() -> dict[str, MetricHelp]:
    """Return the metrics by name."""
    table = importlib.resources.files("mozu.core.runtime.operations").joinpath("metrics.tsv").read_text()
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {name: MetricHelp(name, tuple(labels.split()), sentence) for name, labels, sentence in rows}


def help_of(name: str) -> str:
    """Return the sentence for a metric's name; a general one for metrics of third parties' plugins."""
    found = known_metrics().get(name)
    return "A metric of a plugin." if found is None else found.sentence
