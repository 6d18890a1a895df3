"""Samples as text: Prometheus' format 0.0.4, and OpenMetrics 1.0.0 for clients that accept it.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

import math
import re
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from mozu.core.runtime.operations.samples import Sample

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_OPENMETRICS_TYPE: Final = "application/openmetrics-text"
_TOTAL: Final = "_total"
_NO_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")
_SPECIAL: Final = re.compile(r'[\\"\n]')
_ESCAPED: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n"}


def wants_openmetrics(accept: str) -> bool:
    """Return True if the header `Accept` names OpenMetrics, and does not refuse it by q=0."""
    for part in accept.split(","):
        kind, *parameters = (one.strip().lower() for one in part.split(";"))
        if kind == _OPENMETRICS_TYPE:
            return not any(re.fullmatch(r"q=0(\.0*)?", one) for one in parameters)
    return False


def text(samples: Iterable[Sample], help_of: Callable[[str], str], *, openmetrics: bool = False) -> bytes:
    """Return the samples as a page. `samples` are in the order of their names, which are complete:
    `mozu_events_total`."""
    lines: list[str] = []
    for name, series in groupby(samples, key=lambda sample: sample.name):
        clean = metric_name(name)
        is_counter = clean.endswith(_TOTAL)
        family = clean.removesuffix(_TOTAL) if openmetrics else clean
        lines.append(f"# HELP {family} {_help(help_of(name), openmetrics=openmetrics)}")
        lines.append(f"# TYPE {family} {'counter' if is_counter else 'gauge'}")
        lines += [f"{clean}{_labels(one.labels)} {_number(one.value)}" for one in series]
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def metric_name(name: str) -> str:
    """Return a name that the formats allow; plugins choose theirs freely."""
    clean = _NO_NAME.sub("_", name)
    return clean if clean[:1].isalpha() or clean[:1] == "_" else f"_{clean}"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    pairs = {metric_name(name).lstrip("_") or "label": value for name, value in labels.items()}
    inside = ",".join(f'{name}="{_SPECIAL.sub(_escape, value)}"' for name, value in sorted(pairs.items()))
    return f"{{{inside}}}"


def _escape(found: re.Match[str]) -> str:
    return _ESCAPED[found[0]]


def _help(sentence: str, *, openmetrics: bool) -> str:
    escaped = sentence.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if openmetrics else escaped


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
