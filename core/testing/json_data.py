"""Whether data is what a decoder of JSON gives: a recording keeps nothing else, and its replay gives that back."""

import math


def json_fault(data: object, place: str = "it") -> str:
    """What is no decoded JSON in it, and where; empty: nothing."""
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
