"""The field registry: the fields that rules and outputs may name, with type, meaning, and how they are read from an
event."""

from mozu.core.model.fields.field import Argument, Field, FieldType, Match, Reader, Resolved
from mozu.core.model.fields.lookups import Forgery, Lookups
from mozu.core.model.fields.registry import FieldRegistry

__all__ = ["Argument", "Field", "FieldRegistry", "FieldType", "Forgery", "Lookups", "Match", "Reader", "Resolved"]
