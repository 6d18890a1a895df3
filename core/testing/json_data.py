"""Checks that data could come from a decoder of JSON: a recording keeps nothing else."""

import math


def json_fault(data: object, place: str = "it") -> str:
    """Return the part that is no decoded JSON, and its place; empty if there is none."""
    if isinstance(data, dict):
        for key, value in data.items():
            if type(key) is not str:
                return f"{place} has the key {key!r}, which is {type(key).__name__} and not str"
            if fault := json_fault(value, f"{place}[{key!r}]"):
                return fault
        return ""
    if isinstance(data, list):
        faults = (json_fault(value, f"{place}[{number}]") for number, value in enumerate(data))
        return next(filter(None, faults), "")
    if type(data) is float and not math.isfinite(data):
        return f"{place} is {data}, which JSON does not have"
    if data is None or type(data) in (bool, int, float, str):
        return ""
    return f"{place} is {type(data).__name__}"
