"""Types of values: of fields and alerts, and of JSON (what encoders build, what documents and rule files hold)."""

from collections.abc import Mapping, Sequence

FieldValue = None | bool | int | float | str | bytes | Sequence["FieldValue"]
"""The value of a field of an event, and so of an alert; None if it has none. `FieldType` names its type."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""Any JSON value; arrays and objects are read only in this type, so that those of narrower types fit."""

JsonObject = dict[str, Json]
"""A JSON object that is being built."""
